"""Data sets of forgeries: each image out of its seed, kind and number, written in the layout of ForgeryDataset."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import cv2
import numpy as np

from focal_mmseg.utils import atomic_write, worker_pool
from focal_mmseg.utils.progress import track

from .forge import Forgery, forge_scene
from .history import encode
from .manifest import Manifest
from .recipe import KINDS, Recipe
from .scenes import Sources, UnusableError

# So many images go to a worker at once.
CHUNK = 4


@dataclass(frozen=True)
class Written:
    """How a data set came out.

    Attributes:
        made (int): Images that were made now, not before.
        left_out (dict[str, str]): Photographs that could not be used, with the reason.
    """

    made: int
    left_out: dict[str, str]


def synthesize(
    sources: Sources,
    recipe: Recipe,
    counts: Mapping[str, int],
    out: str | Path,
    seed: int = 0,
    workers: int = 1,
) -> Written:
    """Make images and write ``images/<kind>/*``, ``masks/<kind>/*.png``, ``manifest.csv`` and ``synthesis.json``.

    Each image has a generator of its own, so that the result is the same for any number of workers, and a larger set
    begins with the smaller. Started again, it makes what is missing.

    Args:
        sources (Sources): Photographs, and objects in them; splicing needs two photographs.
        recipe (Recipe): What is done to them.
        counts (Mapping[str, int]): How many images of each kind.
        out (str | Path): Folder to write into.
        seed (int): Defaults to 0.
        workers (int): Processes; 1 makes the images in this one. Defaults to 1.

    Raises:
        FileExistsError: If ``out`` holds images of another seed, recipe or photographs, or of none that is known.
        ValueError: If a kind is unknown, a count negative, there is no photograph, or splicing has one only.
    """
    _check(sources, counts)
    manifest = Manifest(Path(out), recipe, seed, sources)
    jobs = [(kind, index) for kind in sorted(counts) for index in range(counts[kind])]
    jobs = [(kind, index) for kind, index in jobs if not manifest.has(f'{kind}/{index:05d}')]
    write = partial(_write_one, sources, recipe, Path(out), seed)
    with manifest.opened():
        for row, left_out in track(_spread(write, jobs, workers), 'images', len(jobs)):
            manifest.add(row, left_out)
    return Written(len(jobs), manifest.left_out)


@dataclass(frozen=True)
class Made:
    """An image that was made, its row of the manifest, and the photographs that were met and could not be used."""

    forgery: Forgery
    row: dict[str, object]
    left_out: dict[str, str]


def make_image(sources: Sources, recipe: Recipe, kind: str, index: int, seed: int) -> Made:
    """Make one image; the same for the same arguments, whatever was made before.

    A photograph that cannot be used is left out, and the image is begun anew with the others.

    Raises:
        ValueError: If no photograph is left, or one only for a splice.
    """
    names = sources.names
    left_out: dict[str, str] = {}
    while True:
        if len(names) < (2 if kind == 'splice' else 1):
            raise ValueError('\n'.join(['too few photographs can be used', *left_out.values()]))
        rng = np.random.default_rng([seed, index, *kind.encode()])
        try:
            forgery, host, donor = _forge(sources, recipe, kind, names, rng)
        except UnusableError as error:
            left_out[error.name] = error.reason
            names = [name for name in names if name != error.name]
            continue
        row = dict(image=f'{kind}/{index:05d}', kind=kind, host=host, donor=donor, **forgery.parameters)
        return Made(forgery, row, left_out)


def _forge(
    sources: Sources, recipe: Recipe, kind: str, names: list[str], rng: np.random.Generator
) -> tuple[Forgery, str, str]:
    """Choose the photographs, those with objects where one is wanted, and forge."""
    with_objects = bool(sources.objects) and kind != 'pristine' and rng.random() >= recipe.contours
    giving = names
    if with_objects and names is sources.names:
        giving = sources.names_with_objects or names
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


def allocate_kinds(num: int, shares: Mapping[str, float]) -> dict[str, int]:
    """How many images of each kind make a number of them, by the shares; more for a larger number, never fewer.

    Args:
        num (int): At least 0.
        shares (Mapping[str, float]): Not negative, with a sum above 0.
    """
    total = sum(shares.values())
    wanted = {kind: share / total for kind, share in shares.items() if share}
    counts = dict.fromkeys(wanted, 0)
    for made in range(1, num + 1):
        # The kind that is furthest behind; the rounding takes the noise of the last bits out of ties.
        behind = max(wanted, key=lambda kind: round(wanted[kind] * made - counts[kind], 9))
        counts[behind] += 1
    return counts


def _check(sources: Sources, counts: Mapping[str, int]) -> None:
    unknown = sorted(set(counts) - set(KINDS))
    if unknown:
        raise ValueError(f'unknown kinds of forgery: {", ".join(unknown)}; there are {", ".join(KINDS)}')
    if min(counts.values(), default=0) < 0:
        raise ValueError(f'counts must be at least 0, got {dict(counts)}')
    if not sources.photographs:
        raise ValueError('there is no photograph to make forgeries from')
    if counts.get('splice') and len(sources.photographs) < 2:
        raise ValueError('splicing needs at least two photographs')


def _spread(write: partial, jobs: list[tuple[str, int]], workers: int) -> Iterator[tuple[dict, dict]]:
    """What is written for each job, in their order."""
    if workers == 1 or len(jobs) < 2:
        yield from map(write, jobs)
        return
    with worker_pool(workers, _begin, (write,)) as pool:
        yield from pool.map(_next, jobs, chunksize=CHUNK)


_WRITE: partial | None = None


def _begin(write: partial) -> None:
    """Keep in a worker what every job needs."""
    global _WRITE
    _WRITE = write


def _next(job: tuple[str, int]) -> tuple[dict, dict]:
    return cast(partial, _WRITE)(job)


def _write_one(sources: Sources, recipe: Recipe, out: Path, seed: int, job: tuple[str, int]) -> tuple[dict, dict]:
    """Make and write one image; its row of the manifest, and the photographs that could not be used."""
    made = make_image(sources, recipe, *job, seed)
    write_forgery(made.forgery, out, str(made.row['image']))
    return made.row, made.left_out


def write_forgery(forgery: Forgery, out: Path, name: str) -> None:
    """Write the image, compressed for the last time where it has a quality, else as PNG, and its mask."""
    quality = forgery.parameters['quality']
    with atomic_write(out / 'masks' / f'{name}.png') as part:
        part.write_bytes(_png(forgery.mask))
    with atomic_write(out / 'images' / f'{name}{".png" if quality == "" else ".jpg"}') as part:
        if quality == '':
            part.write_bytes(_png(cv2.cvtColor(forgery.image, cv2.COLOR_RGB2BGR)))
        else:
            part.write_bytes(encode(forgery.image, quality, forgery.parameters['subsampling']))


def _png(image: np.ndarray) -> bytes:
    return cv2.imencode('.png', image)[1].tobytes()
