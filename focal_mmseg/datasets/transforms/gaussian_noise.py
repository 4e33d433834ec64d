"""Gaussian noise, by standard deviation or by variance."""

import math

import numpy as np
from mmseg.registry import TRANSFORMS

from .picture_transform import PictureTransform, Range, as_picture, draw, require


@TRANSFORMS.register_module()
class GaussianNoise(PictureTransform):
    """Add white Gaussian noise, independent in every pixel and channel, then round and clip.

    Exactly one of ``sigma`` and ``variance`` is given: the same number means very different noise, and papers use both.

    Args:
        sigma (float | tuple[float, float], optional): Standard deviation in grey levels of 0..255.
        variance (float | tuple[float, float], optional): Its square.
        seed (int, optional): See :class:`PictureTransform`. Defaults to 0.

    Raises:
        ValueError: If a value is negative, or not exactly one is given.
    """

    def __init__(self, sigma: Range | None = None, variance: Range | None = None, seed: int | None = 0) -> None:
        super().__init__(seed)
        if (sigma is None) == (variance is None):
            raise ValueError(f'GaussianNoise needs either sigma or variance, got {sigma!r} and {variance!r}')
        self.sigma = None if sigma is None else require('sigma', sigma, 0)
        self.variance = None if variance is None else require('variance', variance, 0)

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the noisy picture."""
        sigma = math.sqrt(draw(self.variance, rng)) if self.sigma is None else draw(self.sigma, rng)
        return as_picture(image + rng.normal(0, sigma, image.shape))
