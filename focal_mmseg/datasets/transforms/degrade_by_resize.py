"""A resized copy of the picture, scored at the size of the original."""

import cv2
import numpy as np
from mmseg.registry import TRANSFORMS

from .picture_transform import PictureTransform, Range, draw, require

INTERPOLATIONS = dict(
    nearest=cv2.INTER_NEAREST, bilinear=cv2.INTER_LINEAR, bicubic=cv2.INTER_CUBIC, area=cv2.INTER_AREA
)


@TRANSFORMS.register_module()
class DegradeByResize(PictureTransform):
    """Resize the picture by a factor, as whoever passed it on did; ``ori_shape`` and the mask stay.

    It belongs between the loading and the network's own ``Resize``, which is another transform. The prediction comes
    back to ``ori_shape``, so that a test scores at the size of the original picture and its mask.

    Args:
        factor (float | tuple[float, float]): New side over old side.
        interpolation (str): ``'nearest'``, ``'bilinear'``, ``'bicubic'`` or ``'area'``. Defaults to ``'bilinear'``.
        seed (int, optional): See :class:`PictureTransform`. Defaults to 0.

    Raises:
        ValueError: If an option is out of its range.
    """

    def __init__(self, factor: Range, interpolation: str = 'bilinear', seed: int | None = 0) -> None:
        super().__init__(seed)
        if interpolation not in INTERPOLATIONS:
            raise ValueError(f'interpolation must be one of {", ".join(INTERPOLATIONS)}, got {interpolation!r}')
        self.factor = require('factor', factor, 0, above=True)
        self.interpolation = interpolation

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the resized picture, no side below one pixel."""
        return cv2.resize(
            image, scaled(image.shape, draw(self.factor, rng)), None, 0, 0, INTERPOLATIONS[self.interpolation]
        )


def scaled(shape: tuple[int, ...], factor: float) -> tuple[int, int]:
    """(width, height) of a picture of that shape times a factor, at least 1 each."""
    return tuple(max(1, round(side * factor)) for side in (shape[1], shape[0]))
