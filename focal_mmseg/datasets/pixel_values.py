"""Gaussian noise, and values of any kind as grey levels."""

import numpy as np


def add_gaussian_noise(
    image: np.ndarray, sigma: float, rng: np.random.Generator, dtype: type = np.float32
) -> np.ndarray:
    """Add white Gaussian noise, independent in every pixel and channel, then round and clip.

    Args:
        image (np.ndarray): uint8 of any shape; is left as it is.
        sigma (float): Standard deviation in grey levels of 0..255.
        rng (np.random.Generator): Source of chance.
        dtype (type): ``np.float32``, which is fast, or ``np.float64``: each draws other noise of the same seed.

    Returns:
        np.ndarray: uint8 of the same shape.
    """
    noise = rng.standard_normal(image.shape, dtype)
    noise *= sigma
    noise += image
    return to_uint8(noise)


def to_uint8(values: np.ndarray) -> np.ndarray:
    """Grey levels of any kind as uint8: rounded, and clipped to 0..255."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
