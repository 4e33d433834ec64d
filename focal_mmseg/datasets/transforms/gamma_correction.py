"""Gamma correction."""

import cv2
import numpy as np
from mmseg.registry import TRANSFORMS

from .picture_transform import PictureTransform, Range, as_picture, draw, require


@TRANSFORMS.register_module()
class GammaCorrection(PictureTransform):
    """Raise the grey levels, as parts of 255, to a power, and round.

    Args:
        gamma (float | tuple[float, float]): The power: below 1 brightens, above 1 darkens.
        seed (int, optional): See :class:`PictureTransform`. Defaults to 0.

    Raises:
        ValueError: If ``gamma`` is not positive.
    """

    def __init__(self, gamma: Range, seed: int | None = 0) -> None:
        super().__init__(seed)
        self.gamma = require('gamma', gamma, 0, above=True)

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the corrected picture."""
        return cv2.LUT(image, as_picture(255 * (np.arange(256) / 255) ** draw(self.gamma, rng)))
