"""How long HDBSCANClusterer takes beside the libraries, where its time goes, and what memory it needs.

The embeddings are unit vectors, made ones or, with --image, those that the network which ships gives for that image:
its own 32 wide, or with --dim 256 what its head sees. The yardstick is one product of all pairs, in float32 and blocks,
measured in the same run. "plain" is the same method without the sieve, by full products alone. Every method gets the
same embeddings and options.

Example:
  python tools/benchmarks/clustering.py --points 16384 --dim 256 --peers hdbscan sklearn
  OMP_NUM_THREADS=1 python tools/benchmarks/clustering.py --image IMAGE --points 65536 --plain --cpu-time
"""

import argparse
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import hdbscan
import torch
from prettytable import PrettyTable
from sklearn.cluster import HDBSCAN
from sklearn.metrics import adjusted_rand_score
from torch import Tensor

from focal_mmseg.apis.embeddings import WIDTHS, embed_image
from focal_mmseg.clustering import HDBSCANClusterer, sieve
from focal_mmseg.clustering.sieve import spatial_order
from focal_mmseg.clustering.spanning_tree import ReachabilityTree
from focal_mmseg.utils import atomic_write, device_name, positive_int
from focal_mmseg.utils.benchmarking import all_pairs_product, extra_memory, time_call, time_cpu
from focal_mmseg.utils.synthetic_embeddings import KINDS

MIN_SAMPLES = 20
MIN_SHARE = 0.005


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--points', type=positive_int, nargs='+', default=[1024, 4096, 16384], help='default %(default)s'
    )
    parser.add_argument('--dim', type=positive_int, default=256, help='width of the embeddings; default %(default)s')
    source = parser.add_mutually_exclusive_group()
    source.add_argument('--kind', choices=list(KINDS), default='two groups', help='of made ones; default %(default)s')
    source.add_argument('--image', help='embed this image, resized for so many points: squares of a multiple of 4')
    parser.add_argument('--peers', nargs='*', choices=list(PEERS), default=[], help='libraries to run beside ours')
    parser.add_argument(
        '--peer-points', type=positive_int, default=16384, help='no peer beyond this size; default %(default)s'
    )
    parser.add_argument(
        '--device', type=device_name, default='cpu', help='of our method, such as cuda; default %(default)s'
    )
    parser.add_argument(
        '--repeats', type=positive_int, default=3, help='runs of ours, for the median; default %(default)s'
    )
    parser.add_argument(
        '--fewest', type=positive_int, default=sieve.FEWEST_POINTS, help='a sieve from so many on; default %(default)s'
    )
    parser.add_argument('--plain', action='store_true', help='measure ours without the sieve too')
    parser.add_argument(
        '--cpu-time',
        action='store_true',
        help="the processor's seconds, not the clock's; needs one thread",
    )
    parser.add_argument('--out', type=Path, default=Path('work_dirs/clustering.json'), help='default %(default)s')
    args = parser.parse_args()
    if args.image and args.dim not in WIDTHS:
        parser.error(f'with --image, --dim is one of {WIDTHS}, got {args.dim}')
    if args.image and any(math.isqrt(points) ** 2 != points or math.isqrt(points) % 4 for points in args.points):
        parser.error(f'with --image, --points are squares of a multiple of 4, such as 65536; got {args.points}')
    if args.cpu_time and (args.device != 'cpu' or torch.get_num_threads() > 1):
        parser.error('--cpu-time is for one thread of a processor: set OMP_NUM_THREADS=1')
    return args


def cluster_hdbscan(embeddings: Tensor) -> Tensor:
    """Labels of the hdbscan package."""
    smallest = round(MIN_SHARE * len(embeddings))
    model = hdbscan.HDBSCAN(smallest, MIN_SAMPLES, allow_single_cluster=True, core_dist_n_jobs=-1)
    return torch.from_numpy(model.fit_predict(embeddings.double().numpy()))


def cluster_sklearn(embeddings: Tensor) -> Tensor:
    """Labels of scikit-learn, which counts a point among its own neighbours."""
    smallest = round(MIN_SHARE * len(embeddings))
    model = HDBSCAN(
        min_cluster_size=smallest, min_samples=MIN_SAMPLES + 1, allow_single_cluster=True, n_jobs=-1, copy=True
    )
    return torch.from_numpy(model.fit_predict(embeddings.double().numpy()))


PEERS: dict[str, Callable[[Tensor], Tensor]] = {'hdbscan': cluster_hdbscan, 'sklearn': cluster_sklearn}


def make_embeddings(points: int, args: argparse.Namespace) -> Tensor:
    """What is clustered, (P, C)."""
    if args.image:
        return embed_image(args.image, math.isqrt(points), args.dim)
    return KINDS[args.kind](points, args.dim)


def measure(embeddings: Tensor, args: argparse.Namespace) -> dict:
    """One row: seconds of the product and of our method, in parts, its memory, and the peers."""
    timer = time_cpu if args.cpu_time else time_call
    device = torch.device(args.device)
    here, clusterer = embeddings.to(device), HDBSCANClusterer(MIN_SHARE, MIN_SAMPLES)
    row = dict(points=len(embeddings), dim=embeddings.shape[1], device=str(device))

    def fit() -> tuple[Tensor, float | None]:
        return extra_memory(lambda: clusterer.fit_predict(here), device)

    row['product'] = timer(lambda: all_pairs_product(here), device, args.repeats)[1]
    (labels, row['extra_mib']), row['seconds'] = timer(fit, device, args.repeats)
    row['of_product'] = row['seconds'] / row['product']
    order, row['order'] = timer(lambda: spatial_order(here.double()), device)
    found, row['neighbours'] = timer(lambda: ReachabilityTree(here[order].double(), MIN_SAMPLES), device)
    edges, row['rounds'] = timer(found.build, device)
    tree = edges[edges[:, 2].argsort()].cpu().numpy()
    row['labels'] = timer(lambda: clusterer.tree_labels(tree), device)[1]
    if args.plain:
        with mock.patch.object(sieve, 'FEWEST_POINTS', sys.maxsize):
            (without, row['plain_mib']), row['plain'] = timer(fit, device, args.repeats)
        row['plain_of_product'] = row['plain'] / row['product']
        row['plain_rand'] = float(adjusted_rand_score(without.cpu(), labels.cpu()))
    for peer in args.peers if len(embeddings) <= args.peer_points else ():
        theirs, seconds = timer(lambda peer=peer: PEERS[peer](embeddings), torch.device('cpu'))
        agreement = adjusted_rand_score(theirs, labels.cpu())
        row[peer] = dict(seconds=seconds, times_faster=seconds / row['seconds'], rand=agreement)
    return row


def main() -> None:
    """Measure, print and write."""
    args = parse_args()
    ours = ['product', 'seconds', 'of_product', 'order', 'neighbours', 'rounds', 'labels', 'extra_mib']
    ours += ['plain', 'plain_of_product', 'plain_mib', 'plain_rand'] if args.plain else []
    theirs = [f'{peer} {value}' for peer in args.peers for value in ('seconds', 'times faster', 'rand')]
    table = PrettyTable(('points', 'dim', *(name.replace('_', ' ') for name in ours), *theirs))
    rows = []
    for points in args.points:
        with mock.patch.object(sieve, 'FEWEST_POINTS', args.fewest):
            row = measure(make_embeddings(points, args), args)
        rows.append(row)
        values = [row[name] for name in ours]
        for peer in args.peers:
            values += row.get(peer, dict.fromkeys(range(3))).values()
        table.add_row((points, args.dim, *('' if value is None else f'{value:.4g}' for value in values)))
        print(table, flush=True)
        with atomic_write(args.out) as part:
            part.write_text(json.dumps(rows, indent=2) + '\n', encoding='utf-8')
    print(f'written to {args.out}')


if __name__ == '__main__':
    main()
