"""Photographs to forge: of a folder, or packaged ones; and squares that are cut out of them."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from focal_mmseg.utils import load_image

from .objects import ObjectMask
from .recipe import SMALLEST_SIDE, Draw, Recipe, choose

PACKAGED = ('astronaut', 'chelsea', 'china', 'coffee', 'flower', 'motorcycle', 'rocket')
# Bytes of photographs that stay in memory, in each process: 70 of 1280x1024.
MEMORY = 2**28
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
        memory (int): Bytes of photographs that stay in memory, those that were asked for last. Defaults to 256 MiB.
    """

    def __init__(self, folder: Path, paths: list[Path], memory: int = MEMORY) -> None:
        self._paths = {path.relative_to(folder).as_posix(): path for path in paths}
        self._memory = memory
        self._forget()

    def _forget(self) -> None:
        self._kept: OrderedDict[str, np.ndarray] = OrderedDict()
        self._bytes = 0

    def __getitem__(self, name: str) -> np.ndarray:
        name = str(name)
        if name in self._kept:
            self._kept.move_to_end(name)
            return self._kept[name]
        image = self._read(name)
        if image.nbytes <= self._memory:
            self._kept[name] = image
            self._bytes += image.nbytes
        while self._bytes > self._memory:
            self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return image

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def __getstate__(self) -> dict:
        return dict(_paths=self._paths, _memory=self._memory)

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        self._forget()

    def _read(self, name: str) -> np.ndarray:
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
    def names_with_objects(self) -> list[str]:
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
    return cut_square(scene, recipe.size, recipe.target_scale, recipe.interpolation, rng)


def cut_square(
    scene: Scene, size: int | None, scale: Draw, interpolation: Mapping[str, float], rng: np.random.Generator
) -> Scene:
    """:func:`cut` by numbers.

    Args:
        scene (Scene): A whole photograph.
        size (int, optional): Side of the square; None takes the whole.
        scale (Draw): Factor on the photograph before it is cut; a larger one where the square would not fit.
        interpolation (Mapping[str, float]): Shares of the ways to make it smaller.
        rng (np.random.Generator): Source of chance.
    """
    height, width = scene.image.shape[:2]
    factor = scale.sample(rng) or 1.0
    if size is None:
        sides, out = (height, width), tuple(max(1, round(side * factor)) for side in (height, width))
    else:
        side = min(height, width, round(size / max(factor, size / min(height, width))))
        sides, out = (side, side), (size, size)
    top, left = (int(GRID * rng.integers((scene.image.shape[axis] - sides[axis]) // GRID + 1)) for axis in (0, 1))
    image = scene.image[top : top + sides[0], left : left + sides[1]]
    if out == sides:
        image = np.ascontiguousarray(image)
    else:
        # Recipes with one interpolation keep the draws that they had before there was a choice.
        by = choose(interpolation, rng) if len(interpolation) > 1 else next(iter(interpolation))
        way = SMALLER[by] if out[0] < sides[0] else cv2.INTER_CUBIC
        image = cv2.resize(image, out[::-1], interpolation=way)
    return Scene(image, scene.objects, left, top, (out[1] / sides[1], out[0] / sides[0]))
