"""Whether HDBSCANClusterer finds what the libraries find: the same tree, the same labels.

The sorted weights of the spanning tree are compared with those of the hdbscan package (largest relative difference),
the labels with the package's and scikit-learn's (adjusted Rand index, 1 for the same clusters). "ties" is the share of
edges of the same weight as another one: their order is not defined, and may move single points. Besides made
embeddings those of a trained network on its test set are compared, if a config and a checkpoint are given.

Exits with 1 where a weight differs by more than 1e-5, or labels do although there are no ties.

Example:
  python tools/benchmarks/clustering_parity.py --points 1024 4096
  python tools/benchmarks/clustering_parity.py --config CONFIG --checkpoint CHECKPOINT --images 8
"""

import argparse
import json
import sys
from pathlib import Path

import hdbscan
import numpy as np
from sklearn.cluster import HDBSCAN
from sklearn.metrics import adjusted_rand_score
from torch import Tensor

from focal_mmseg.apis.embeddings import embed_test_set
from focal_mmseg.clustering import HDBSCANClusterer
from focal_mmseg.clustering.spanning_tree import mutual_reachability_tree
from focal_mmseg.utils import atomic_write, device_name, positive_int, read_config
from focal_mmseg.utils.progress import track
from focal_mmseg.utils.synthetic_embeddings import KINDS
from focal_mmseg.utils.tables import text_table

TOLERANCE = 1e-5
# The package's distances between equal unit vectors are roundings of up to this; relative differences start above.
ROUNDING = 1e-7


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--points', type=positive_int, nargs='+', default=[1024, 4096], help='default %(default)s')
    parser.add_argument('--kinds', nargs='+', choices=list(KINDS), default=list(KINDS), help='default: all')
    parser.add_argument(
        '--dim', type=positive_int, default=256, help='width of the made embeddings; default %(default)s'
    )
    parser.add_argument('--min-samples', type=positive_int, nargs='+', default=[5, 20], help='default %(default)s')
    parser.add_argument('--config', help='config file of a network and a test set')
    parser.add_argument('--checkpoint', help='its weights')
    parser.add_argument('--images', type=positive_int, default=8, help='of the test set; default %(default)s')
    parser.add_argument('--side', type=positive_int, help='resize them to this; default: as the config has it')
    parser.add_argument(
        '--device', type=device_name, default='cpu', help='of our method, such as cuda; default %(default)s'
    )
    parser.add_argument(
        '--out', type=Path, default=Path('work_dirs/clustering_parity.json'), help='default %(default)s'
    )
    args = parser.parse_args()
    if bool(args.config) != bool(args.checkpoint):
        parser.error('--config and --checkpoint go together')
    return args


def cases(args: argparse.Namespace) -> list[tuple[str, Tensor]]:
    """Names and embeddings (P, C) of everything compared."""
    found = [(kind, KINDS[kind](points, args.dim)) for points in args.points for kind in args.kinds]
    if args.config:
        images = embed_test_set(read_config(args.config), args.checkpoint, args.images, args.side)
        found += [(f'image {index}', map_.flatten(1).T) for index, (map_, _) in enumerate(images)]
    return found


def compare(embeddings: Tensor, min_samples: int, device: str) -> dict[str, float]:
    """Our tree and labels beside the libraries'."""
    smallest = max(2, round(0.005 * len(embeddings)))
    points = embeddings.double().numpy()
    tree = mutual_reachability_tree(embeddings.to(device), min_samples)
    weights = tree[:, 2]
    ours = HDBSCANClusterer(smallest, min_samples).fit_predict(embeddings.to(device)).cpu().numpy()
    package = hdbscan.HDBSCAN(
        smallest, min_samples, allow_single_cluster=True, approx_min_span_tree=False, gen_min_span_tree=True
    ).fit(points)
    theirs = np.sort(package.minimum_spanning_tree_.to_numpy()[:, 2])
    sklearn = HDBSCAN(min_cluster_size=smallest, min_samples=min_samples + 1, allow_single_cluster=True, copy=True)
    return dict(
        weights=float((np.abs(weights - theirs) / np.maximum(theirs, ROUNDING)).max()),
        rand_hdbscan=float(adjusted_rand_score(package.labels_, ours)),
        rand_sklearn=float(adjusted_rand_score(sklearn.fit_predict(points), ours)),
        clusters=int(ours.max() + 1),
        noise=float((ours < 0).mean()),
        ties=float((np.diff(weights) <= 1e-12 * weights[1:]).mean()),
    )


def main() -> None:
    """Compare, print and write; a difference makes the exit status 1."""
    args = parse_args()
    rows = []
    for name, embeddings in track(cases(args), 'maps'):
        for min_samples in args.min_samples:
            row = dict(name=name, points=len(embeddings), dim=embeddings.shape[1], min_samples=min_samples)
            rows.append(row | compare(embeddings, min_samples, args.device))
            # After each, because the libraries take minutes for one.
            with atomic_write(args.out) as part:
                part.write_text(json.dumps(rows, indent=2) + '\n', encoding='utf-8')
    table = text_table([name.replace('_', ' ') for name in rows[0]], [row.values() for row in rows], '.3g')
    print(f'\n{table}\nwritten to {args.out}')
    differing = [row for row in rows if row['weights'] > TOLERANCE or (not row['ties'] and row['rand_hdbscan'] < 1)]
    sys.exit(f'{len(differing)} of {len(rows)} differ' if differing else 0)


if __name__ == '__main__':
    main()
