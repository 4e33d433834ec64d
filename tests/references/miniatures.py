"""Miniatures of releases."""

from pathlib import Path

import cv2
import numpy as np


def write_image(path: Path, seed: int = 0, size: tuple[int, int] = (24, 32)) -> np.ndarray:
    """An image file (H, W) of random colours; its content as OpenCV wrote it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)
    assert cv2.imwrite(str(path), image)
    return image


def write_mask(path: Path, seed: int = 0, size: tuple[int, int] = (24, 32), values: tuple = (0, 255)) -> np.ndarray:
    """A mask file with a rectangle of ``values[1]`` on ``values[0]``; the rectangle as bool (H, W)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    top, left = np.random.default_rng(seed).integers(2, 10, 2)
    forged = np.zeros(size, bool)
    forged[top : top + 8, left : left + 10] = True
    low, high = (np.array(value, np.uint8) for value in values)
    assert cv2.imwrite(str(path), np.where(forged.reshape(*size, *[1] * low.ndim), high, low))
    return forged


def converted(out: Path, name: str) -> np.ndarray:
    """A converted mask, bool (H, W)."""
    mask = cv2.imread(str(out / 'masks' / f'{name}.png'), cv2.IMREAD_UNCHANGED)
    assert mask is not None and mask.ndim == 2 and set(np.unique(mask)) <= {0, 255}
    return mask > 0
