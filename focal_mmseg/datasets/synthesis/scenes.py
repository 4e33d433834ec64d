"""Photographs to forge: of a folder, or packaged ones; and squares that are cut out of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

import cv2
import numpy as np

from focal_mmseg.utils import load_image

from .objects import ObjectMask
from .recipe import SMALLEST_SIDE, Recipe, choose

PACKAGED = ('astronaut', 'chelsea', 'china', 'coffee', 'flower', 'motorcycle', 'rocket')
KEPT_IN_MEMORY = 16
# A JPEG image's blocks of colour cover 16 pixels, those of its luminance 8: cutting here keeps both grids.
GRID = 16
SMALLER = {
    'area': cv2.INTER_AREA,
    'linear': cv2.INTER_LINEAR,
    'cubic': cv2.INTER_CUBIC,
    'lanczos': cv2.INTER_LANCZOS4,
}


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


@dataclass(frozen=True)
class Scene:
    """A photograph, or a part of one.

    Attributes:
        image (np.ndarray): uint8 RGB of shape (H, W, 3).
        objects (Sequence[ObjectMask]): In the pixels of the photograph before cutting and scaling.
        left (int): Of the part in the photograph.
        top (int): Of the part in the photograph.
        scale (tuple[float, float]): By which the part was then resized, across and down.
    """

    image: np.ndarray
    objects: Sequence[ObjectMask] = ()
    left: int = 0
    top: int = 0
    scale: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True)
class Sources:
    """What forgeries are made of.

    Attributes:
        photographs (Mapping[str, np.ndarray]): uint8 RGB by name. May read them when asked for, and raise
            :class:`UnusableError`.
        objects (Mapping[str, Sequence[ObjectMask]]): Masks of objects by the name of their photograph.
    """

    photographs: Mapping[str, np.ndarray]
    objects: Mapping[str, Sequence[ObjectMask]] = field(default_factory=dict)

    @cached_property
    def names(self) -> list[str]:
        """The photographs' names, sorted; there may be 100,000 of them, and every image asks."""
        return sorted(self.photographs)

    @cached_property
    def with_objects(self) -> list[str]:
        """The names of those with objects, sorted."""
        return [name for name in self.names if name in self.objects]

    def scene(self, name: str, with_objects: bool) -> Scene:
        """A photograph with the masks that fit it, or with none.

        Raises:
            UnusableError: If it cannot be read, or is smaller than 32 pixels.
        """
        image = self.photographs[name]
        require_side(name, image)
        objects = self.objects.get(name, ()) if with_objects else ()
        return Scene(image, [each for each in objects if each.shape == image.shape[:2]])


def cut(scene: Scene, recipe: Recipe, rng: np.random.Generator) -> Scene:
    """A square of a photograph as the recipe has it, or the whole where the recipe has no size.

    What is not resized is cut where the blocks of the photograph's own compression begin.
    """
    height, width = scene.image.shape[:2]
    scale = recipe.target_scale.sample(rng) or 1.0
    if recipe.size is None:
        sides, out = (height, width), tuple(max(1, round(side * scale)) for side in (height, width))
    else:
        side = min(height, width, round(recipe.size / max(scale, recipe.size / min(height, width))))
        sides, out = (side, side), (recipe.size, recipe.size)
    top, left = (int(GRID * rng.integers((scene.image.shape[axis] - sides[axis]) // GRID + 1)) for axis in (0, 1))
    image = np.ascontiguousarray(scene.image[top : top + sides[0], left : left + sides[1]])
    if out != sides:
        # Recipes with one interpolation keep the draws that they had before there was a choice.
        by = choose(recipe.interpolation, rng) if len(recipe.interpolation) > 1 else next(iter(recipe.interpolation))
        by = SMALLER[by] if out[0] < sides[0] else cv2.INTER_CUBIC
        image = cv2.resize(image, out[::-1], interpolation=by)
    return Scene(image, scene.objects, left, top, (out[1] / sides[1], out[0] / sides[0]))
