"""Photographs to forge: those of a folder, and those that ship inside scikit-image and scikit-learn."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from focal_mmseg.utils import load_image

from .recipe_checks import SMALLEST_SIDE

PACKAGED = ('astronaut', 'chelsea', 'china', 'coffee', 'flower', 'motorcycle', 'rocket')
KEPT_IN_MEMORY = 16


class UnusableError(ValueError):
    """A photograph that cannot be used.

    Args:
        name (str): The photograph's.
        reason (str): Names the file and what is wrong with it.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name = name
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class Photographs(Mapping[str, np.ndarray]):
    """Photographs by name, uint8 RGB (H, W, 3); read when asked for, so that a large folder need not fit in memory.

    Args:
        folder (Path): Names are relative to it.
        paths (list[Path]): Files below it.
        kept (int): How many stay in memory. Defaults to 16.
    """

    def __init__(self, folder: Path, paths: list[Path], kept: int = KEPT_IN_MEMORY) -> None:
        self._paths = {path.relative_to(folder).as_posix(): path for path in paths}
        self._kept = kept
        self._read = lru_cache(kept)(self._read_one)

    def __getitem__(self, name: str) -> np.ndarray:
        return self._read(str(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def __getstate__(self) -> dict:
        return dict(_paths=self._paths, _kept=self._kept)

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        self._read = lru_cache(self._kept)(self._read_one)

    def _read_one(self, name: str) -> np.ndarray:
        try:
            return read_photograph(self._paths[name])
        except ValueError as error:
            raise UnusableError(name, str(error)) from error


def require_side(name: str, image: np.ndarray) -> None:
    """Refuse a photograph in which there is no room for a forgery.

    Args:
        name (str): The photograph's.
        image (np.ndarray): Of shape (H, W, 3).

    Raises:
        UnusableError: If a side is below 32 pixels.
    """
    if min(image.shape[:2]) < SMALLEST_SIDE:
        raise UnusableError(name, f'the photograph {name} has a side below {SMALLEST_SIDE} pixels')


def read_photograph(path: Path) -> np.ndarray:
    """Read a photograph as uint8 RGB (H, W, 3).

    Raises:
        ValueError: If it cannot be read; names the file.
    """
    try:
        return cv2.cvtColor(load_image(path), cv2.COLOR_BGR2RGB)
    except (OSError, ValueError) as error:
        raise ValueError(f'cannot read {path}: {error}') from error


def load_packaged(name: str) -> np.ndarray:
    """Read one of the packaged photographs; their licences are in the README.

    Args:
        name (str): One of ``PACKAGED``.

    Returns:
        np.ndarray: uint8 RGB of shape (H, W, 3).

    Raises:
        ValueError: If there is no such photograph.
        ImportError: If scikit-image is not installed.
    """
    if name not in PACKAGED:
        raise ValueError(f'no packaged photograph {name!r}, there are {", ".join(PACKAGED)}')
    if name in ('china', 'flower'):
        from sklearn.datasets import load_sample_image

        return np.ascontiguousarray(load_sample_image(f'{name}.jpg'))
    try:
        from skimage import data
    except ImportError as error:
        raise ImportError(f'the photograph {name!r} ships with scikit-image: pip install ".[demo]"') from error
    image = data.stereo_motorcycle()[0] if name == 'motorcycle' else getattr(data, name)()
    return np.ascontiguousarray(image)
