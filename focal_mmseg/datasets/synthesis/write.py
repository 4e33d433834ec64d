"""Forgeries as files, in the layout that ForgeryDataset reads."""

import csv
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from mmengine.utils import track_iter_progress

from focal_mmseg.utils import written_whole

from .forge import Forgery, copy_move, pristine, splice

LAST_QUALITIES = (85, 98)
SMALLEST_SIDE = 32
COLUMNS = (
    'picture',
    'kind',
    'host',
    'donor',
    'quality',
    'scale',
    'rotation',
    'history',
    'strength',
    'share',
    'softness',
)


def write_forgeries(
    photographs: Mapping[str, np.ndarray], counts: Mapping[str, int], out: str | Path, size: int = 256, seed: int = 0
) -> Path:
    """Make pictures out of photographs and write ``images/<kind>/*.jpg``, ``masks/<kind>/*.png``, ``manifest.csv``.

    Deterministic for a seed: each picture has a generator of its own, so that a larger set begins with the smaller.

    Args:
        photographs (Mapping[str, np.ndarray]): uint8 RGB by name; splicing needs two. May read them when asked for.
        counts (Mapping[str, int]): How many pictures of each kind: ``splice``, ``copy-move``, ``pristine``.
        out (str | Path): Folder to write into.
        size (int): Side of the pictures, at least 32. Defaults to 256.
        seed (int): Defaults to 0.

    Returns:
        Path: ``out``.

    Raises:
        ValueError: If a kind is unknown, a count negative, the size too small, there is no photograph, or splicing has
            one only.
    """
    out = Path(out)
    unknown = set(counts) - {'splice', 'copy-move', 'pristine'}
    if unknown:
        raise ValueError(
            f'unknown kinds of forgery: {", ".join(sorted(unknown))}; there are splice, copy-move, pristine'
        )
    if min(counts.values(), default=0) < 0 or size < SMALLEST_SIDE:
        raise ValueError(f'counts must be at least 0 and size at least {SMALLEST_SIDE}, got {dict(counts)} and {size}')
    if not photographs:
        raise ValueError('there is no photograph to make forgeries from')
    if counts.get('splice') and len(photographs) < 2:
        raise ValueError('splicing needs at least two photographs')
    jobs = [(kind, index) for kind in sorted(counts) for index in range(counts[kind])]
    rows = [_write_one(photographs, kind, index, out, size, seed) for kind, index in track_iter_progress(jobs)]
    with written_whole(out / 'manifest.csv') as part, part.open('w', newline='', encoding='utf-8') as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return out


def _write_one(
    photographs: Mapping[str, np.ndarray], kind: str, index: int, out: Path, size: int, seed: int
) -> dict[str, object]:
    """Make and write one picture; its row of the manifest."""
    rng = np.random.default_rng([seed, index, *kind.encode()])
    host, donor = (str(name) for name in rng.permutation(sorted(photographs))[[0, -1]])
    if kind == 'splice':
        forgery = splice(photographs[host], photographs[donor], size, rng)
    elif kind == 'copy-move':
        forgery, donor = copy_move(photographs[host], size, rng), host
    else:
        forgery, donor = pristine(photographs[host], size, rng), ''
    quality = int(rng.integers(*LAST_QUALITIES, endpoint=True))
    name = f'{kind}/{index:05d}'
    _write(forgery, out, name, quality)
    return dict(picture=name, kind=kind, host=host, donor=donor, quality=quality, **forgery.parameters)


def _write(forgery: Forgery, out: Path, name: str, quality: int) -> None:
    """The picture, compressed for the last time, and its mask."""
    with written_whole(out / 'images' / f'{name}.jpg') as part:
        cv2.imwrite(str(part), forgery.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    with written_whole(out / 'masks' / f'{name}.png') as part:
        cv2.imwrite(str(part), forgery.mask)
