"""Filters: blurs, sharpening, and the residual that a blur takes away."""

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from ..validators import Range, require_number, require_range, require_whole_range
from .image_transform import ImageTransform, draw, draw_whole


@TRANSFORMS.register_module()
class GaussianBlur(ImageTransform):
    """Blur the image by OpenCV.

    One of ``kernel`` and ``sigma`` may be left out. Without ``sigma`` it follows from the kernel, as the papers have
    it: 0.3 * ((kernel - 1) / 2 - 1) + 0.8. Without ``kernel`` OpenCV takes one that is wide enough.

    Args:
        kernel (int | tuple[int, int], optional): Width of the kernel in pixels, odd.
        sigma (float | tuple[float, float], optional): Standard deviation in pixels.
        seed (int, optional): See :class:`ImageTransform`. Defaults to 0.

    Raises:
        ValueError: If an option is out of its range, or neither is given.
    """

    def __init__(self, kernel: Range | None = None, sigma: Range | None = None, seed: int | None = 0) -> None:
        super().__init__(seed)
        if kernel is None and sigma is None:
            raise ValueError('GaussianBlur needs a kernel or a sigma')
        self.kernel = None if kernel is None else require_whole_range('kernel', kernel, 1, odd=True)
        self.sigma = None if sigma is None else require_range('sigma', sigma, 0, above=True)

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the blurred image."""
        kernel = 0 if self.kernel is None else draw_whole(self.kernel, rng, step=2)
        sigma = 0.0 if self.sigma is None else draw(self.sigma, rng)
        return cv2.GaussianBlur(image, (kernel, kernel), sigma)


class KernelBlur(ImageTransform):
    """What the blurs below share: a square kernel.

    Args:
        kernel (int | tuple[int, int]): Width in pixels, odd. Defaults to (3, 7).
        seed (int, optional): See :class:`ImageTransform`. Defaults to None.

    Raises:
        ValueError: If ``kernel`` is even or below 3.
    """

    def __init__(self, kernel: Range = (3, 7), seed: int | None = None) -> None:
        super().__init__(seed)
        self.kernel = require_whole_range('kernel', kernel, 3, odd=True)


@TRANSFORMS.register_module()
class BoxBlur(KernelBlur):
    """The mean of a square; options as of :class:`KernelBlur`."""

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the blurred image."""
        side = draw_whole(self.kernel, rng, step=2)
        return cv2.blur(image, (side, side))


@TRANSFORMS.register_module()
class MedianBlur(KernelBlur):
    """The median of a square; options as of :class:`KernelBlur`."""

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the blurred image."""
        return cv2.medianBlur(image, draw_whole(self.kernel, rng, step=2))


@TRANSFORMS.register_module()
class MotionBlur(KernelBlur):
    """The mean along a line between two random pixels of a square; options as of :class:`KernelBlur`."""

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the blurred image."""
        side = draw_whole(self.kernel, rng, step=2)
        ends = rng.choice(side * side, 2, replace=False).tolist()
        start, stop = ((end % side, end // side) for end in ends)
        line = cv2.line(np.zeros((side, side), np.uint8), start, stop, 1)
        return cv2.filter2D(image, -1, line / line.sum())


@TRANSFORMS.register_module()
class Sharpen(ImageTransform):
    """Blend the image with what a sharpening kernel (-1 around, 8 + lightness in the middle) makes of it.

    Args:
        share (float | tuple[float, float]): Of the sharpened one, 0..1. Defaults to (0.2, 0.5).
        lightness (float | tuple[float, float]): 1 keeps the mean grey level, less darkens. Defaults to (0.5, 1.0).
        seed (int, optional): See :class:`ImageTransform`. Defaults to None.

    Raises:
        ValueError: If an option is out of its range.
    """

    def __init__(self, share: Range = (0.2, 0.5), lightness: Range = (0.5, 1.0), seed: int | None = None) -> None:
        super().__init__(seed)
        self.share = require_range('share', share, 0, 1)
        self.lightness = require_range('lightness', lightness, 0)

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the sharpened image."""
        share = draw(self.share, rng)
        kernel = np.full((3, 3), -share)
        kernel[1, 1] = 1 - share + share * (8 + draw(self.lightness, rng))
        return cv2.filter2D(image, -1, kernel)


@TRANSFORMS.register_module()
class NoiseResidual(BaseTransform):
    """Replace the image by what a Gaussian blur takes from it, clipped.

    Traces of compression, noise and blur live in this residual, and little of the scene. It is meant for a network that
    starts from random weights and trains briefly, as the demo's; ImageNet weights were trained on the image itself.

    Required and modified key: ``img``, uint8 (H, W, 3) to float32 (H, W, 3) in [-limit, limit].

    Args:
        sigma (float): Standard deviation of the blur, in pixels. Defaults to 1.
        limit (float): Residuals beyond it, in grey levels of 0..255, are clipped: edges of objects are larger than
            traces. Defaults to 20.

    Raises:
        ValueError: If an option is not positive.
    """

    def __init__(self, sigma: float = 1.0, limit: float = 20.0) -> None:
        self.sigma = require_number('sigma', sigma, 0, above=True)
        self.limit = require_number('limit', limit, 0, above=True)

    def transform(self, results: dict) -> dict:
        """Replace ``img``."""
        image = results['img'].astype(np.float32)
        residual = image - cv2.GaussianBlur(image, (0, 0), self.sigma)
        results['img'] = residual.clip(-self.limit, self.limit)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(sigma={self.sigma}, limit={self.limit})'
