"""How long HDBSCANClusterer takes beside the libraries, where its time goes, and what memory it needs.

The embeddings are unit vectors in two groups, a fifth of them forged. The floor of an exact method is one product of
all pairs, in float32 and blocks, measured in the same run. Every method gets the same embeddings and options.

Example:
  python tools/benchmarks/clustering.py --points 16384 --dim 256 --peers hdbscan sklearn
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import hdbscan
import torch
from prettytable import PrettyTable
from sklearn.cluster import HDBSCAN
from sklearn.metrics import adjusted_rand_score
from torch import Tensor

from focal_mmseg.clustering import HDBSCANClusterer
from focal_mmseg.clustering.spanning_tree import ReachabilityTree, mutual_reachability_tree
from focal_mmseg.utils import atomic_write, device_name, positive_int
from focal_mmseg.utils.benchmarking import all_pairs_product, extra_memory, timed
from focal_mmseg.utils.made_embeddings import groups

MIN_SAMPLES = 20
MIN_SHARE = 0.005


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--points', type=positive_int, nargs='+', default=[1024, 4096, 16384], help='default %(default)s'
    )
    parser.add_argument('--dim', type=positive_int, default=256, help='width of the embeddings; default %(default)s')
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
    parser.add_argument('--out', type=Path, default=Path('work_dirs/clustering.json'), help='default %(default)s')
    return parser.parse_args()


def of_hdbscan(embeddings: Tensor) -> Tensor:
    """Labels of the hdbscan package."""
    smallest = round(MIN_SHARE * len(embeddings))
    model = hdbscan.HDBSCAN(smallest, MIN_SAMPLES, allow_single_cluster=True, core_dist_n_jobs=-1)
    return torch.from_numpy(model.fit_predict(embeddings.double().numpy()))


def of_sklearn(embeddings: Tensor) -> Tensor:
    """Labels of scikit-learn, which counts a point among its own neighbours."""
    smallest = round(MIN_SHARE * len(embeddings))
    model = HDBSCAN(
        min_cluster_size=smallest, min_samples=MIN_SAMPLES + 1, allow_single_cluster=True, n_jobs=-1, copy=True
    )
    return torch.from_numpy(model.fit_predict(embeddings.double().numpy()))


PEERS: dict[str, Callable[[Tensor], Tensor]] = {'hdbscan': of_hdbscan, 'sklearn': of_sklearn}


def measure(embeddings: Tensor, args: argparse.Namespace) -> dict:
    """One row: seconds of the product and of our method, in parts, its memory, and the peers."""
    device = torch.device(args.device)
    here, clusterer = embeddings.to(device), HDBSCANClusterer(MIN_SHARE, MIN_SAMPLES)
    labels, memory = extra_memory(lambda: clusterer.fit_predict(here), device)
    row = dict(points=len(embeddings), dim=args.dim, device=str(device), extra_mib=memory)
    row['product'] = timed(lambda: all_pairs_product(here), device, args.repeats)[1]
    row['seconds'] = timed(lambda: clusterer.fit_predict(here), device, args.repeats)[1]
    row['of_product'] = row['seconds'] / row['product']
    found, row['neighbours'] = timed(lambda: ReachabilityTree(here.double(), MIN_SAMPLES), device)
    row['rounds'] = timed(found.build, device)[1]
    tree = mutual_reachability_tree(here, MIN_SAMPLES)
    row['labels'] = timed(lambda: clusterer.labels_of(tree), device)[1]
    for peer in args.peers if len(embeddings) <= args.peer_points else ():
        theirs, seconds = timed(lambda peer=peer: PEERS[peer](embeddings), torch.device('cpu'))
        agreement = adjusted_rand_score(theirs, labels.cpu())
        row[peer] = dict(seconds=seconds, times_faster=seconds / row['seconds'], rand=agreement)
    return row


def main() -> None:
    """Measure, print and write."""
    args = parse_args()
    ours = ('product', 'seconds', 'of_product', 'neighbours', 'rounds', 'labels', 'extra_mib')
    theirs = [f'{peer} {figure}' for peer in args.peers for figure in ('seconds', 'times faster', 'rand')]
    table = PrettyTable(('points', 'dim', *(name.replace('_', ' ') for name in ours), *theirs))
    rows = []
    for points in args.points:
        row = measure(groups(points, args.dim), args)
        rows.append(row)
        figures = [row[name] for name in ours]
        for peer in args.peers:
            figures += row.get(peer, dict.fromkeys(range(3))).values()
        table.add_row((points, args.dim, *('' if figure is None else f'{figure:.4g}' for figure in figures)))
        print(table, flush=True)
        with atomic_write(args.out) as part:
            part.write_text(json.dumps(rows, indent=2) + '\n', encoding='utf-8')
    print(f'written to {args.out}')


if __name__ == '__main__':
    main()
