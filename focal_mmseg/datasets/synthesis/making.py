"""A picture of a data set out of its seed, kind and number, and nothing else."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from .forge import Forgery, copy_move, pristine, splice
from .forging import forge_scene
from .photographs import UnusableError, require_side
from .recipes import DemoRecipe, Recipe
from .scenes import ObjectMask, Scene

LAST_QUALITIES = (85, 98)


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
        """The photographs' names, sorted; there may be 100,000 of them, and every picture asks."""
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


@dataclass(frozen=True)
class Made:
    """A picture that was made, its row of the manifest, and the photographs that were met and could not be used."""

    forgery: Forgery
    row: dict[str, object]
    left_out: dict[str, str]


def make_picture(sources: Sources, recipe: Recipe | DemoRecipe, kind: str, index: int, seed: int) -> Made:
    """Make one picture; the same for the same arguments, whatever was made before.

    A photograph that cannot be used is left out, and the picture is begun anew with the others.

    Raises:
        ValueError: If no photograph is left, or one only for a splice.
    """
    names, left_out = sources.names, {}
    while True:
        if len(names) < (2 if kind == 'splice' else 1):
            raise ValueError('\n'.join(['too few photographs can be used', *left_out.values()]))
        rng = np.random.default_rng([seed, index, *kind.encode()])
        make = _by_demo if isinstance(recipe, DemoRecipe) else _by_ranges
        try:
            forgery, host, donor = make(sources, recipe, kind, names, rng)
        except UnusableError as error:
            left_out[error.name] = error.reason
            names = [name for name in names if name != error.name]
            continue
        row = dict(picture=f'{kind}/{index:05d}', kind=kind, host=host, donor=donor, **forgery.parameters)
        return Made(forgery, row, left_out)


def _by_demo(
    sources: Sources, recipe: DemoRecipe, kind: str, names: list[str], rng: np.random.Generator
) -> tuple[Forgery, str, str]:
    """The README's figures hang on the order of every draw."""
    host, donor = (str(name) for name in rng.permutation(names)[[0, -1]])
    photograph = sources.photographs[host]
    if kind == 'splice':
        forgery = splice(photograph, sources.photographs[donor], recipe.size, rng)
    elif kind == 'copy-move':
        forgery, donor = copy_move(photograph, recipe.size, rng), host
    else:
        forgery, donor = pristine(photograph, recipe.size, rng), ''
    quality = int(rng.integers(*LAST_QUALITIES, endpoint=True))
    drawn = dict(**forgery.parameters, quality=quality, subsampling='4:2:0')
    return Forgery(forgery.image, forgery.mask, drawn), host, donor


def _by_ranges(
    sources: Sources, recipe: Recipe, kind: str, names: list[str], rng: np.random.Generator
) -> tuple[Forgery, str, str]:
    """Choose the photographs, those with objects where one is wanted, and forge."""
    with_objects = bool(sources.objects) and kind != 'pristine' and rng.random() >= recipe.contours
    giving = names
    if with_objects and names is sources.names:
        giving = sources.with_objects or names
    elif with_objects:
        giving = [name for name in names if name in sources.objects] or names
    chosen = str(giving[rng.integers(len(giving))])
    if kind != 'splice':
        host, donor = chosen, chosen if kind == 'copy-move' else ''
        forgery = forge_scene(recipe, kind, sources.scene(host, with_objects), None, rng)
        return forgery, host, donor
    place = bisect_left(names, chosen)
    host = str(names[(place + 1 + rng.integers(len(names) - 1)) % len(names)])
    scenes = sources.scene(host, False), sources.scene(chosen, with_objects)
    return forge_scene(recipe, kind, *scenes, rng), host, chosen
