"""How long tools/check_data.py takes: seconds for a thousand pictures; docs/datasets.md has the figures.

Makes a set of crops of packaged photographs in a temporary folder, and checks it with different numbers of workers.

Example:
  python tools/benchmarks/checking.py --pictures 5000 --workers 1 2
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from focal_mmseg.datasets.index import IndexRow, write_index
from focal_mmseg.datasets.synthesis import PACKAGED, load_packaged
from focal_mmseg.utils import positive_int
from focal_mmseg.utils.progress import track
from focal_mmseg.utils.tables import text_table

TOOL = Path(__file__).parents[1] / 'check_data.py'


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--pictures', type=positive_int, default=5000, help='default %(default)s')
    parser.add_argument('--size', type=positive_int, nargs=2, default=[384, 256], help='default %(default)s')
    parser.add_argument('--workers', type=positive_int, nargs='+', default=[1, 2], help='default %(default)s')
    return parser.parse_args()


def make(folder: Path, pictures: int, size: tuple[int, int]) -> None:
    """Crops as JPEG, each with a rectangle as its mask."""
    photographs = [cv2.resize(load_packaged(name), (900, 700)) for name in PACKAGED]
    rng = np.random.default_rng(0)
    width, height = size
    rows = []
    for part in ('images', 'masks'):
        (folder / part).mkdir()
    for number in track(range(pictures), 'images'):
        photograph = photographs[number % len(photographs)]
        top, left = rng.integers(photograph.shape[0] - height), rng.integers(photograph.shape[1] - width)
        cv2.imwrite(str(folder / 'images' / f'{number}.jpg'), photograph[top : top + height, left : left + width])
        mask = np.zeros((height, width), np.uint8)
        top, left = rng.integers(height // 2), rng.integers(width // 2)
        mask[top : top + height // 4, left : left + width // 4] = 255
        cv2.imwrite(str(folder / 'masks' / f'{number}.png'), mask)
        rows.append(IndexRow(f'{number}.jpg', f'{number}.png', 'splice', 'made'))
    write_index(folder / 'index.tsv', rows)


def main() -> None:
    """Make, check, print."""
    args = parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), args.pictures, args.size)
        for workers in args.workers:
            command = [sys.executable, TOOL, folder, '--workers', str(workers), '--out', f'{folder}/out']
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            seconds = time.perf_counter() - start
            rows.append((workers, seconds, seconds / args.pictures * 1000))
    print(text_table(('workers', 'seconds', 'seconds a thousand'), rows, '.2f'))


if __name__ == '__main__':
    main()
