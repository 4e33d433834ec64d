"""What a prediction costs: seconds and peak memory of one image, by its size.

Images are enlarged from a packaged photograph and saved as JPEG. Each size is predicted in a process of its own. The
first prediction pays for what is loaded then and is not counted. The peak holds Python, PyTorch and the model.

Example:
  python tools/benchmarks/predicting.py
  python tools/benchmarks/predicting.py --sizes 384x256 4000x3000 --threads 2
  python tools/benchmarks/predicting.py --config configs/focal_hrnet.py --checkpoint hrnet.pth --sizes 1024x1024
"""

import argparse
import multiprocessing
import resource
import statistics
import tempfile
from pathlib import Path

import cv2
import torch

from focal_mmseg.apis import FOCALInferencer
from focal_mmseg.datasets.synthesis import load_packaged
from focal_mmseg.utils import positive_int
from focal_mmseg.utils.tables import text_table

PHOTOGRAPH = 'china'
QUALITY = 92


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--config', help='default the network that ships')
    parser.add_argument('--checkpoint', help='its weights')
    parser.add_argument('--sizes', nargs='+', default=['384x256', '1024x768', '4000x3000'], metavar='WIDTHxHEIGHT')
    parser.add_argument('--threads', type=positive_int, default=1, help="torch's; default %(default)s")
    parser.add_argument('--repeats', type=positive_int, default=3, help='predictions of an image; default %(default)s')
    return parser.parse_args()


def measure(args: argparse.Namespace, size: str) -> tuple[float, float]:
    """Median of the seconds of an image, and MiB at the peak of this process."""
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(args.threads)
    focal = FOCALInferencer(args.config, args.checkpoint, 'cpu')
    width, height = (int(side) for side in size.split('x'))
    image = cv2.resize(load_packaged(PHOTOGRAPH), (width, height), interpolation=cv2.INTER_CUBIC)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, 'photo.jpg')
        cv2.imwrite(str(path), image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        seconds = [focal(path).summary['seconds'] for _ in range(1 + args.repeats)]
    # Linux counts it in KiB.
    return statistics.median(seconds[1:]), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def main() -> None:
    """Measure and print."""
    args = parse_args()
    rows = []
    for size in args.sizes:
        with multiprocessing.get_context('spawn').Pool(1) as pool:
            seconds, peak = pool.apply(measure, (args, size))
        rows.append((size, args.threads, seconds, round(peak)))
    print(text_table(('size', 'threads', 'seconds', 'MiB at the peak'), rows, '.2f'))


if __name__ == '__main__':
    main()
