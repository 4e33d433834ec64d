"""Noise: Gaussian, and as of a camera at a high ISO."""

import math
from typing import cast

import cv2
import numpy as np
from mmseg.registry import TRANSFORMS

from ..pixel_values import add_gaussian_noise, to_uint8
from ..validators import Range, require_range
from .image_transform import ImageTransform, draw


@TRANSFORMS.register_module()
class GaussianNoise(ImageTransform):
    """Add white Gaussian noise, independent in every pixel and channel, then round and clip.

    Exactly one of ``sigma`` and ``variance`` is given: the same number means very different noise, and papers use both.

    Args:
        sigma (float | tuple[float, float], optional): Standard deviation in grey levels of 0..255.
        variance (float | tuple[float, float], optional): Its square.
        seed (int, optional): See :class:`ImageTransform`. Defaults to 0.

    Raises:
        ValueError: If a value is negative, or not exactly one is given.
    """

    def __init__(self, sigma: Range | None = None, variance: Range | None = None, seed: int | None = 0) -> None:
        super().__init__(seed)
        if (sigma is None) == (variance is None):
            raise ValueError(f'GaussianNoise needs either sigma or variance, got {sigma!r} and {variance!r}')
        self.sigma = None if sigma is None else require_range('sigma', sigma, 0)
        self.variance = None if variance is None else require_range('variance', variance, 0)

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the noisy image."""
        sigma = math.sqrt(draw(cast(Range, self.variance), rng)) if self.sigma is None else draw(self.sigma, rng)
        return add_gaussian_noise(image, sigma, rng, np.float64)


@TRANSFORMS.register_module()
class ISONoise(ImageTransform):
    """Noise as of a camera at a high ISO: Poisson noise on the lightness, Gaussian noise on the hue.

    Args:
        hue (float | tuple[float, float]): Standard deviation of the hue at intensity 1, in turns of the colour circle.
            Defaults to (0.01, 0.05).
        intensity (float | tuple[float, float]): Factor of both: the Poisson noise has the standard deviation of the
            image's own lightness, in grey levels, times this as its mean. Defaults to (0.1, 0.5).
        seed (int, optional): See :class:`ImageTransform`. Defaults to None.

    Raises:
        ValueError: If an option is negative.
    """

    def __init__(self, hue: Range = (0.01, 0.05), intensity: Range = (0.1, 0.5), seed: int | None = None) -> None:
        super().__init__(seed)
        self.hue = require_range('hue', hue, 0)
        self.intensity = require_range('intensity', intensity, 0)

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the noisy image.

        Raises:
            ValueError: If the image has no colours.
        """
        if image.ndim != 3:
            raise ValueError('ISONoise needs an image of three channels')
        hue, intensity = draw(self.hue, rng), draw(self.intensity, rng)
        hls = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_BGR2HLS)
        counts = rng.poisson(255 * hls[..., 1].std() * intensity, image.shape[:2])
        hls[..., 0] = (hls[..., 0] + rng.normal(0, 360 * hue * intensity, image.shape[:2])) % 360
        hls[..., 1] = hls[..., 1] + counts / 255 * (1 - hls[..., 1])
        return to_uint8(255 * cv2.cvtColor(hls, cv2.COLOR_HLS2BGR))
