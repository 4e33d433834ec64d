"""Forgeries as files, in the layout that ForgeryDataset reads."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from mmengine.utils import ProgressBar

from focal_mmseg.utils import atomic_write, worker_pool

from .forge import Forgery
from .history import encode
from .making import Sources, make_picture
from .manifest import Manifest
from .named_recipes import RECIPES
from .recipes import KINDS, DemoRecipe, Recipe

# So many pictures go to a worker at once.
CHUNK = 4


@dataclass(frozen=True)
class Written:
    """How a data set came out.

    Attributes:
        made (int): Pictures that were made now, not before.
        left_out (dict[str, str]): Photographs that could not be used, with the reason.
    """

    made: int
    left_out: dict[str, str]


def synthesize(
    sources: Sources,
    recipe: Recipe | DemoRecipe,
    counts: Mapping[str, int],
    out: str | Path,
    seed: int = 0,
    workers: int = 1,
) -> Written:
    """Make pictures and write ``images/<kind>/*``, ``masks/<kind>/*.png``, ``manifest.csv`` and ``synthesis.json``.

    Each picture has a generator of its own, so that the result is the same for any number of workers, and a larger set
    begins with the smaller. Started again, it makes what is missing.

    Args:
        sources (Sources): Photographs, and objects in them; splicing needs two photographs.
        recipe (Recipe | DemoRecipe): What is done to them.
        counts (Mapping[str, int]): How many pictures of each kind.
        out (str | Path): Folder to write into.
        seed (int): Defaults to 0.
        workers (int): Processes; 1 makes the pictures in this one. Defaults to 1.

    Raises:
        FileExistsError: If ``out`` holds pictures of another seed, recipe or photographs, or of none that is known.
        ValueError: If a kind is unknown, a count negative, there is no photograph, or splicing has one only.
    """
    _check(sources, recipe, counts)
    manifest = Manifest(Path(out), recipe, seed, sources)
    jobs = [(kind, index) for kind in sorted(counts) for index in range(counts[kind])]
    jobs = [(kind, index) for kind, index in jobs if not manifest.has(f'{kind}/{index:05d}')]
    write = partial(_write_one, sources, recipe, Path(out), seed)
    progress = ProgressBar(len(jobs)) if jobs else None
    with manifest.opened():
        for row, left_out in _spread(write, jobs, workers):
            manifest.add(row, left_out)
            progress.update()
    return Written(len(jobs), manifest.left_out)


def write_forgeries(
    photographs: Mapping[str, np.ndarray], counts: Mapping[str, int], out: str | Path, size: int = 256, seed: int = 0
) -> Path:
    """:func:`synthesize` by the demo's recipe.

    Args:
        photographs (Mapping[str, np.ndarray]): uint8 RGB by name.
        counts (Mapping[str, int]): How many pictures of each kind: ``splice``, ``copy-move``, ``pristine``.
        out (str | Path): Folder to write into.
        size (int): Side of the pictures, at least 32. Defaults to 256.
        seed (int): Defaults to 0.

    Returns:
        Path: ``out``.
    """
    synthesize(Sources(photographs), replace(RECIPES['demo'], size=size), counts, out, seed)
    return Path(out)


def share_out(num: int, shares: Mapping[str, float]) -> dict[str, int]:
    """How many pictures of each kind make a number of them, by the shares; more for a larger number, never fewer.

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


def _check(sources: Sources, recipe: Recipe | DemoRecipe, counts: Mapping[str, int]) -> None:
    known = ('splice', 'copy-move', 'pristine') if isinstance(recipe, DemoRecipe) else KINDS
    unknown = sorted(set(counts) - set(known))
    if unknown:
        raise ValueError(f'unknown kinds of forgery: {", ".join(unknown)}; there are {", ".join(known)}')
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
    return _WRITE(job)


def _write_one(
    sources: Sources, recipe: Recipe | DemoRecipe, out: Path, seed: int, job: tuple[str, int]
) -> tuple[dict, dict]:
    """Make and write one picture; its row of the manifest, and the photographs that could not be used."""
    made = make_picture(sources, recipe, *job, seed)
    write_forgery(made.forgery, out, made.row['picture'])
    return made.row, made.left_out


def write_forgery(forgery: Forgery, out: Path, name: str) -> None:
    """Write the picture, compressed for the last time where it has a quality, else as PNG, and its mask."""
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
