"""Blurs that are not Gaussian, for the training."""

import cv2
import numpy as np
from mmseg.registry import TRANSFORMS

from .picture_transform import PictureTransform, Range, draw_whole, require_whole


class KernelBlur(PictureTransform):
    """What the blurs below share: a square kernel.

    Args:
        kernel (int | tuple[int, int]): Width in pixels, odd. Defaults to (3, 7).
        seed (int, optional): See :class:`PictureTransform`. Defaults to None.

    Raises:
        ValueError: If ``kernel`` is even or below 3.
    """

    def __init__(self, kernel: Range = (3, 7), seed: int | None = None) -> None:
        super().__init__(seed)
        self.kernel = require_whole('kernel', kernel, 3, odd=True)


@TRANSFORMS.register_module()
class BoxBlur(KernelBlur):
    """The mean of a square; options as of :class:`KernelBlur`."""

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the blurred picture."""
        side = draw_whole(self.kernel, rng, step=2)
        return cv2.blur(image, (side, side))


@TRANSFORMS.register_module()
class MedianBlur(KernelBlur):
    """The median of a square; options as of :class:`KernelBlur`."""

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the blurred picture."""
        return cv2.medianBlur(image, draw_whole(self.kernel, rng, step=2))


@TRANSFORMS.register_module()
class MotionBlur(KernelBlur):
    """The mean along a line between two random pixels of a square; options as of :class:`KernelBlur`."""

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the blurred picture."""
        side = draw_whole(self.kernel, rng, step=2)
        ends = rng.choice(side * side, 2, replace=False).tolist()
        start, stop = ((end % side, end // side) for end in ends)
        line = cv2.line(np.zeros((side, side), np.uint8), start, stop, 1)
        return cv2.filter2D(image, -1, line / line.sum())
