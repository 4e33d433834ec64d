"""Forge pictures out of a folder of photographs, in the layout that ForgeryDataset reads.

Example:
  python tools/synthesize.py --images photographs --out data/forgery/train --splice 200 --copy-move 600 --pristine 0
"""

import argparse
from pathlib import Path

import mmcv
import numpy as np

from focal_mmseg.datasets.forgery_dataset import IMAGE_SUFFIXES
from focal_mmseg.datasets.synthesis import write_forgeries


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--images', type=Path, required=True, help='folder of pristine photographs')
    parser.add_argument('--out', type=Path, required=True, help='folder for images/, masks/ and manifest.csv')
    for kind in ('splice', 'copy-move', 'pristine'):
        parser.add_argument(f'--{kind}', type=int, default=24, help='how many of them; default %(default)s')
    parser.add_argument('--size', type=int, default=192, help='side of the pictures; default %(default)s')
    parser.add_argument('--most', type=int, help='use so many photographs, spread over the folder; default all')
    parser.add_argument('--seed', type=int, default=0, help='default %(default)s')
    return parser.parse_args()


def main() -> None:
    """Forge."""
    args = parse_args()
    paths = sorted(path for path in args.images.rglob('*') if path.suffix.lower() in IMAGE_SUFFIXES)
    if not paths:
        raise FileNotFoundError(f'{args.images} holds no photograph ({", ".join(IMAGE_SUFFIXES)})')
    if (args.out / 'images').exists():
        raise FileExistsError(f'{args.out} holds pictures already: give another --out, or delete it')
    chosen = np.linspace(0, len(paths) - 1, min(len(paths), args.most or len(paths))).round().astype(int)
    photographs = {
        paths[index].relative_to(args.images).as_posix(): mmcv.imread(str(paths[index]), channel_order='rgb')
        for index in chosen
    }
    counts = {'splice': args.splice, 'copy-move': args.copy_move, 'pristine': args.pristine}
    write_forgeries(photographs, counts, args.out, args.size, args.seed)
    print(f'\n{sum(counts.values())} pictures out of {len(photographs)} photographs written to {args.out}')


if __name__ == '__main__':
    main()
