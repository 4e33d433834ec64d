"""Irregular regions with soft edges."""

import cv2
import numpy as np


def irregular_region(size: int, share: float, softness: float, rng: np.random.Generator) -> np.ndarray:
    """An irregular star-shaped region, wholly inside the picture.

    Its radius over the angle is a sum of five waves of random phase, falling with their frequency.

    Args:
        size (int): Side of the square picture, in pixels.
        share (float): Area over the picture's, in (0, 0.4].
        softness (float): Standard deviation of the edge's blur, in pixels.
        rng (np.random.Generator): Source of chance.

    Returns:
        np.ndarray: float32 of shape (size, size) in [0, 1]: the region's opacity.
    """
    angles = np.linspace(0, 2 * np.pi, 128, endpoint=False)
    radius = np.ones_like(angles)
    for wave in range(2, 7):
        radius += rng.uniform(-0.5, 0.5) / wave**0.7 * np.cos(wave * angles + rng.uniform(0, 2 * np.pi))
    radius = np.clip(radius, 0.25, None)
    area = 0.5 * (radius**2).mean() * 2 * np.pi
    radius *= size * np.sqrt(share / area)
    contour = np.stack([radius * np.cos(angles), radius * np.sin(angles)], axis=1)
    low, high = contour.min(0), contour.max(0)
    contour *= min(1.0, 0.98 * size / (high - low).max())
    low, high = contour.min(0), contour.max(0)
    contour += rng.uniform(-low, np.maximum(size - 1 - high, -low))
    region = np.zeros((size, size), np.float32)
    cv2.fillPoly(region, [np.round(contour).astype(np.int32)], 1.0)
    return cv2.GaussianBlur(region, (0, 0), softness)
