"""How long HDBSCANClusterer takes for maps of several sizes, beside one blocked all-pairs product of the same points.

The points are unit vectors around two centres, a fifth of them around the second, as a forged picture's embeddings are.

Example:
  python tools/benchmarks/hdbscan_points.py --points 4096 16384 65536 --dim 256
"""

import argparse
import time

import torch
from prettytable import PrettyTable
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.clustering import HDBSCANClusterer


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--points', type=int, nargs='+', default=[1024, 4096, 16384], help='default %(default)s')
    parser.add_argument('--dim', type=int, default=256, help='width of the embeddings; default %(default)s')
    return parser.parse_args()


def embeddings(points: int, dim: int) -> torch.Tensor:
    """Two noisy groups of unit vectors."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.eye(dim)[(torch.arange(points) < points // 5).long()]
    return F.normalize(centres + 0.5 / dim**0.5 * torch.randn(points, dim, generator=generator), dim=1)


def seconds_of_product(vectors: torch.Tensor) -> float:
    """One all-pairs product in float64, in blocks that are thrown away."""
    start = time.perf_counter()
    vectors = vectors.double()
    for block in vectors.split(max(1, (1 << 22) // len(vectors))):
        block @ vectors.T
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    args = parse_args()
    table = PrettyTable(('points', 'width', 'seconds', 'all-pairs product, seconds', 'ratio', 'clusters'))
    for points in args.points:
        vectors = embeddings(points, args.dim)
        product = seconds_of_product(vectors)
        start = time.perf_counter()
        clusters = HDBSCANClusterer().localise(vectors).num_clusters
        seconds = time.perf_counter() - start
        table.add_row((points, args.dim, f'{seconds:.1f}', f'{product:.1f}', f'{seconds / product:.1f}', clusters))
    print(table)


if __name__ == '__main__':
    main()
