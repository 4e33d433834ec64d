"""Tones, sharpness and grain, for the training."""

import cv2
import numpy as np
from mmseg.registry import TRANSFORMS

from .degrade_by_resize import scaled
from .picture_transform import PictureTransform, Range, as_picture, draw, require


@TRANSFORMS.register_module()
class BrightnessContrast(PictureTransform):
    """Multiply the grey levels and add to them.

    Args:
        contrast (float | tuple[float, float]): Factor. Defaults to (0.8, 1.2).
        brightness (float | tuple[float, float]): Summand as a part of 255. Defaults to (-0.2, 0.2).
        seed (int, optional): See :class:`PictureTransform`. Defaults to None.

    Raises:
        ValueError: If an option is out of its range.
    """

    def __init__(self, contrast: Range = (0.8, 1.2), brightness: Range = (-0.2, 0.2), seed: int | None = None) -> None:
        super().__init__(seed)
        self.contrast = require('contrast', contrast, 0)
        self.brightness = require('brightness', brightness, -1, 1)

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the changed picture."""
        levels = np.arange(256) * draw(self.contrast, rng) + 255 * draw(self.brightness, rng)
        return cv2.LUT(image, as_picture(levels))


@TRANSFORMS.register_module()
class ToneCurve(PictureTransform):
    """Bend the tones by a cubic Bezier curve whose two inner points move up and down at random.

    Args:
        scale (float): Standard deviation of the points' heights around 1/4 and 3/4. Defaults to 0.1.
        seed (int, optional): See :class:`PictureTransform`. Defaults to None.

    Raises:
        ValueError: If ``scale`` is negative.
    """

    def __init__(self, scale: float = 0.1, seed: int | None = None) -> None:
        super().__init__(seed)
        self.scale = require('scale', scale, 0)

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the changed picture."""
        low, high = np.clip(rng.normal((0.25, 0.75), self.scale), 0, 1)
        t = np.linspace(0, 1, 256)
        return cv2.LUT(image, as_picture(255 * (3 * (1 - t) ** 2 * t * low + 3 * (1 - t) * t**2 * high + t**3)))


@TRANSFORMS.register_module()
class Sharpen(PictureTransform):
    """Blend the picture with what a sharpening kernel (-1 around, 8 + lightness in the middle) makes of it.

    Args:
        share (float | tuple[float, float]): Of the sharpened one, 0..1. Defaults to (0.2, 0.5).
        lightness (float | tuple[float, float]): 1 keeps the mean grey level, less darkens. Defaults to (0.5, 1.0).
        seed (int, optional): See :class:`PictureTransform`. Defaults to None.

    Raises:
        ValueError: If an option is out of its range.
    """

    def __init__(self, share: Range = (0.2, 0.5), lightness: Range = (0.5, 1.0), seed: int | None = None) -> None:
        super().__init__(seed)
        self.share = require('share', share, 0, 1)
        self.lightness = require('lightness', lightness, 0)

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the sharpened picture."""
        share = draw(self.share, rng)
        kernel = np.full((3, 3), -share)
        kernel[1, 1] = 1 - share + share * (8 + draw(self.lightness, rng))
        return cv2.filter2D(image, -1, kernel)


@TRANSFORMS.register_module()
class LowerAndBack(PictureTransform):
    """Shrink the picture and enlarge it again, both by the nearest pixel, so that blocks are seen.

    Args:
        factor (float | tuple[float, float]): Small side over large side, up to 1. Defaults to 0.25.
        seed (int, optional): See :class:`PictureTransform`. Defaults to None.

    Raises:
        ValueError: If ``factor`` is out of its range.
    """

    def __init__(self, factor: Range = 0.25, seed: int | None = None) -> None:
        super().__init__(seed)
        self.factor = require('factor', factor, 0, 1, above=True)

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the picture of blocks."""
        small = cv2.resize(image, scaled(image.shape, draw(self.factor, rng)), interpolation=cv2.INTER_NEAREST)
        return cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_NEAREST)


@TRANSFORMS.register_module()
class SensorNoise(PictureTransform):
    """Noise as of a camera at a high ISO: Poisson noise on the lightness, Gaussian noise on the hue.

    Args:
        hue (float | tuple[float, float]): Standard deviation of the hue at intensity 1, in turns of the colour circle.
            Defaults to (0.01, 0.05).
        intensity (float | tuple[float, float]): Factor of both: the Poisson noise has the standard deviation of the
            picture's own lightness, in grey levels, times this as its mean. Defaults to (0.1, 0.5).
        seed (int, optional): See :class:`PictureTransform`. Defaults to None.

    Raises:
        ValueError: If an option is negative.
    """

    def __init__(self, hue: Range = (0.01, 0.05), intensity: Range = (0.1, 0.5), seed: int | None = None) -> None:
        super().__init__(seed)
        self.hue = require('hue', hue, 0)
        self.intensity = require('intensity', intensity, 0)

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the noisy picture.

        Raises:
            ValueError: If the picture has no colours.
        """
        if image.ndim != 3:
            raise ValueError('SensorNoise needs a picture of three channels')
        hue, intensity = draw(self.hue, rng), draw(self.intensity, rng)
        hls = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_BGR2HLS)
        counts = rng.poisson(255 * hls[..., 1].std() * intensity, image.shape[:2])
        hls[..., 0] = (hls[..., 0] + rng.normal(0, 360 * hue * intensity, image.shape[:2])) % 360
        hls[..., 1] += counts / 255 * (1 - hls[..., 1])
        return as_picture(255 * cv2.cvtColor(hls, cv2.COLOR_HLS2BGR))
