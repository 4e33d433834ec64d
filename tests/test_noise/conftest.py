"""Real photographs with planted noise."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from focal_mmseg.datasets.synthesis import load_packaged

# The wood of the coffee's table is as rough as noise: a level is found in it, a region of another level is not.
SMOOTH = ('astronaut', 'chelsea', 'flower')


def grey_of(name: str) -> np.ndarray:
    """Grey levels, float64 of shape (H, W)."""
    return cv2.cvtColor(load_packaged(name), cv2.COLOR_RGB2GRAY).astype(np.float64)


@pytest.fixture(params=(*SMOOTH, 'coffee'))
def photograph(request: pytest.FixtureRequest) -> np.ndarray:
    return grey_of(request.param)


@pytest.fixture(params=SMOOTH)
def smooth(request: pytest.FixtureRequest) -> np.ndarray:
    return grey_of(request.param)


@pytest.fixture
def noisy() -> Callable[..., np.ndarray]:
    """Adds white Gaussian noise of one level, or of a level a pixel, and rounds as a file does."""
    rng = np.random.default_rng(0)
    return lambda grey, sigma: (grey + rng.normal(size=grey.shape) * sigma).round().clip(0, 255)


@pytest.fixture
def planted() -> Callable[[np.ndarray], np.ndarray]:
    """A region on no block's border: bool of the photograph's shape, a tenth to a fifth of it."""

    def region(grey: np.ndarray) -> np.ndarray:
        mask = np.zeros(grey.shape, bool)
        top, left = grey.shape[0] // 4, grey.shape[1] // 4 + 13
        mask[top : top + 150, left : left + 179] = True
        return mask

    return region
