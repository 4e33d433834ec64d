"""Forge pictures out of a folder of photographs, in the layout that ForgeryDataset reads.

Example:
  python tools/synthesize.py --images photographs --out data/forgery/train --splice 200 --copy-move 600 --pristine 0
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import cv2
import mmcv
import numpy as np

from focal_mmseg.datasets.synthesis import write_forgeries
from focal_mmseg.utils import IMAGE_SUFFIXES, count, find_images, positive_int

KEPT_IN_MEMORY = 16


class Photographs(Mapping):
    """Photographs by name, uint8 RGB; read when asked for, so that a large folder need not fit in memory."""

    def __init__(self, folder: Path, paths: list[Path]) -> None:
        self._paths = {path.relative_to(folder).as_posix(): path for path in paths}
        self._read = lru_cache(KEPT_IN_MEMORY)(lambda name: read(self._paths[name]))

    def __getitem__(self, name: str) -> np.ndarray:
        return self._read(str(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def read(path: Path) -> np.ndarray:
    """Read a photograph.

    Raises:
        ValueError: If it cannot be read; names the file.
    """
    try:
        image = mmcv.imread(str(path), channel_order='rgb')
    except (OSError, ValueError, cv2.error) as error:
        raise ValueError(f'cannot read {path}: {error}') from error
    if image is None:
        raise ValueError(f'cannot read {path}: it is no picture, or truncated')
    return image


def readable(paths: list[Path]) -> tuple[list[Path], list[str]]:
    """The photographs that can be read, and what is wrong with the others."""
    good, failures = [], []
    for path in paths:
        try:
            read(path)
            good.append(path)
        except ValueError as error:
            failures.append(str(error))
    return good, failures


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--images', type=Path, required=True, help='folder of pristine photographs')
    parser.add_argument('--out', type=Path, required=True, help='folder for images/, masks/ and manifest.csv')
    for kind in ('splice', 'copy-move', 'pristine'):
        parser.add_argument(f'--{kind}', type=count, default=24, help='how many of them; default %(default)s')
    parser.add_argument('--size', type=positive_int, default=192, help='side of the pictures; default %(default)s')
    parser.add_argument(
        '--most', type=positive_int, help='use so many photographs, spread over the folder; default all'
    )
    parser.add_argument('--seed', type=count, default=0, help='default %(default)s')
    return parser.parse_args()


def main() -> None:
    """Forge."""
    args = parse_args()
    paths = find_images(args.images)
    if not paths:
        raise FileNotFoundError(f'{args.images} holds no photograph ({", ".join(IMAGE_SUFFIXES)})')
    if (args.out / 'images').exists():
        raise FileExistsError(f'{args.out} holds pictures already: give another --out, or delete it')
    chosen = np.linspace(0, len(paths) - 1, min(len(paths), args.most or len(paths))).round().astype(int)
    good, failures = readable([paths[index] for index in chosen])
    photographs = Photographs(args.images, good)
    counts = {'splice': args.splice, 'copy-move': args.copy_move, 'pristine': args.pristine}
    write_forgeries(photographs, counts, args.out, args.size, args.seed)
    print(f'\n{sum(counts.values())} pictures out of {len(photographs)} photographs written to {args.out}')
    if failures:
        sys.exit('\n'.join(['left out:', *failures]))


if __name__ == '__main__':
    main()
