"""Gaussian blur, by kernel or by standard deviation."""

import cv2
import numpy as np
from mmseg.registry import TRANSFORMS

from .picture_transform import PictureTransform, Range, draw, draw_whole, require, require_whole


@TRANSFORMS.register_module()
class GaussianBlur(PictureTransform):
    """Blur the picture by OpenCV.

    One of ``kernel`` and ``sigma`` may be left out. Without ``sigma`` it follows from the kernel, as the papers have
    it: 0.3 * ((kernel - 1) / 2 - 1) + 0.8. Without ``kernel`` OpenCV takes one that is wide enough.

    Args:
        kernel (int | tuple[int, int], optional): Width of the kernel in pixels, odd.
        sigma (float | tuple[float, float], optional): Standard deviation in pixels.
        seed (int, optional): See :class:`PictureTransform`. Defaults to 0.

    Raises:
        ValueError: If an option is out of its range, or neither is given.
    """

    def __init__(self, kernel: Range | None = None, sigma: Range | None = None, seed: int | None = 0) -> None:
        super().__init__(seed)
        if kernel is None and sigma is None:
            raise ValueError('GaussianBlur needs a kernel or a sigma')
        self.kernel = None if kernel is None else require_whole('kernel', kernel, 1, odd=True)
        self.sigma = None if sigma is None else require('sigma', sigma, 0, above=True)

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the blurred picture."""
        kernel = 0 if self.kernel is None else draw_whole(self.kernel, rng, step=2)
        sigma = 0.0 if self.sigma is None else draw(self.sigma, rng)
        return cv2.GaussianBlur(image, (kernel, kernel), sigma)
