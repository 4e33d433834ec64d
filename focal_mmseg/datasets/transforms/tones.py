"""Changes of the grey levels, pixel by pixel."""

import cv2
import numpy as np
from mmseg.registry import TRANSFORMS

from ..pixel_values import to_uint8
from ..validators import Range, require_number, require_range
from .image_transform import ImageTransform, draw


@TRANSFORMS.register_module()
class GammaCorrection(ImageTransform):
    """Raise the grey levels, as parts of 255, to a power, and round.

    Args:
        gamma (float | tuple[float, float]): The power: below 1 brightens, above 1 darkens.
        seed (int, optional): See :class:`ImageTransform`. Defaults to 0.

    Raises:
        ValueError: If ``gamma`` is not positive.
    """

    def __init__(self, gamma: Range, seed: int | None = 0) -> None:
        super().__init__(seed)
        self.gamma = require_range('gamma', gamma, 0, above=True)

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the corrected image."""
        return cv2.LUT(image, to_uint8(255 * (np.arange(256) / 255) ** draw(self.gamma, rng)))


@TRANSFORMS.register_module()
class BrightnessContrast(ImageTransform):
    """Multiply the grey levels and add to them.

    Args:
        contrast (float | tuple[float, float]): Factor. Defaults to (0.8, 1.2).
        brightness (float | tuple[float, float]): Summand as a part of 255. Defaults to (-0.2, 0.2).
        seed (int, optional): See :class:`ImageTransform`. Defaults to None.

    Raises:
        ValueError: If an option is out of its range.
    """

    def __init__(self, contrast: Range = (0.8, 1.2), brightness: Range = (-0.2, 0.2), seed: int | None = None) -> None:
        super().__init__(seed)
        self.contrast = require_range('contrast', contrast, 0)
        self.brightness = require_range('brightness', brightness, -1, 1)

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the changed image."""
        levels = np.arange(256) * draw(self.contrast, rng) + 255 * draw(self.brightness, rng)
        return cv2.LUT(image, to_uint8(levels))


@TRANSFORMS.register_module()
class RandomToneCurve(ImageTransform):
    """Bend the tones by a cubic Bezier curve whose two inner points move up and down at random.

    Args:
        scale (float): Standard deviation of the points' heights around 1/4 and 3/4. Defaults to 0.1.
        seed (int, optional): See :class:`ImageTransform`. Defaults to None.

    Raises:
        ValueError: If ``scale`` is negative.
    """

    def __init__(self, scale: float = 0.1, seed: int | None = None) -> None:
        super().__init__(seed)
        self.scale = require_number('scale', scale, 0)

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the changed image."""
        low, high = np.clip(rng.normal((0.25, 0.75), self.scale), 0, 1)
        t = np.linspace(0, 1, 256)
        return cv2.LUT(image, to_uint8(255 * (3 * (1 - t) ** 2 * t * low + 3 * (1 - t) * t**2 * high + t**3)))
