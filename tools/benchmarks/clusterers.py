"""Compare clusterers on the embeddings of one trained network (table 4 of the paper).

docs/notes/clustering.md has the table.

The embeddings of the config's test set are computed once, or made with known clusters. Each clusterer then says what
is forged, and the metrics are ForgeryMetric's, of the score map brought to the image's size at once, with F1, IoU and
AUC over the forged images and false alarms over the pristine ones; the seconds are those of one image.

Example:
  python tools/benchmarks/clusterers.py configs/demo/focal_hrnet-compact.py work_dirs/demo/trained.pth
  python tools/benchmarks/clusterers.py configs/demo/focal_hrnet-compact.py work_dirs/demo/trained.pth --options
  python tools/benchmarks/clusterers.py --made
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
from mmseg.registry import TASK_UTILS

from focal_mmseg.apis.embeddings import embed_test_set
from focal_mmseg.apis.run_config import Overrides
from focal_mmseg.evaluation.averages import average_metrics
from focal_mmseg.evaluation.localisation import localisation_metrics
from focal_mmseg.utils import override, positive_int, read_config, synthetic_embeddings, write_json
from focal_mmseg.utils.progress import track
from focal_mmseg.utils.tables import text_table

METRICS = {'macro_f1': 'macro F1', 'iou': 'IoU', 'auc': 'AUC', 'false_alarm': 'false alarms'}

# The five algorithms of table 4, and HDBSCAN as its package has it.
ALGORITHMS = {
    'BIRCH': dict(type='BIRCHClusterer'),
    'Hierarchical': dict(type='HierarchicalClusterer'),
    'K-means': dict(type='KMeansClusterer'),
    'Bisecting K-means': dict(type='BisectingKMeansClusterer'),
    'HDBSCAN': dict(type='HDBSCANClusterer'),
    "HDBSCAN, package's options, noise forged": dict(
        type='HDBSCANClusterer', min_cluster_size=5, min_samples=5, allow_single_cluster=False, noise='forged'
    ),
    "HDBSCAN, journal version's 200 points": dict(
        type='HDBSCANClusterer', min_cluster_size=200, min_samples=None, allow_single_cluster=True
    ),
}


def hdbscan_options() -> dict[str, dict]:
    """Many options of HDBSCAN, as configs by name."""
    found = {'K-means': ALGORITHMS['K-means']}
    for single in (False, True):
        for share in (0.005, 0.02, 0.05):
            for samples in (5, 20, 60):
                for noise in ('nearest', 'pristine', 'forged'):
                    name = f'{share:.1%}, {samples}, {noise}' + (', single' if single else '')
                    found[name] = dict(
                        type='HDBSCANClusterer',
                        min_cluster_size=share,
                        min_samples=samples,
                        allow_single_cluster=single,
                        noise=noise,
                    )
    return found


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', nargs='?', help='config file of the model and the test set')
    parser.add_argument('checkpoint', nargs='?', help='its weights')
    parser.add_argument('--made', action='store_true', help='made embeddings in place of those of a network')
    parser.add_argument('--side', type=positive_int, default=64, help='of a made map; default %(default)s')
    parser.add_argument('--dim', type=positive_int, default=64, help='of made embeddings; default %(default)s')
    parser.add_argument('--options', action='store_true', help='options of HDBSCAN in place of the algorithms')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/clusterers.json'), help='default %(default)s')
    parser.add_argument('--cfg-options', nargs='+', action=Overrides, default={}, help='override the config')
    args = parser.parse_args()
    if args.made == bool(args.config) or bool(args.config) != bool(args.checkpoint):
        parser.error('give a config and a checkpoint, or --made alone')
    return args


def embeddings(args: argparse.Namespace) -> list[tuple[torch.Tensor, np.ndarray]]:
    """The embeddings (C, h, w) and the truth (H, W) of each image."""
    if args.made:
        return synthetic_embeddings.synthetic_maps(args.side, args.dim)
    cfg = read_config(args.config)
    override(cfg, args.cfg_options)
    return embed_test_set(cfg, args.checkpoint)


def measure(images: list[tuple[torch.Tensor, np.ndarray]], clusterer: dict) -> dict[str, float]:
    """The metrics of one clusterer, with its clusters, noise and seconds an image."""
    clusterer = TASK_UTILS.build(clusterer)
    rows, found = [], []
    for embedded, truth in images:
        grid = tuple(embedded.shape[1:])
        found.append(clusterer.localise(embedded.flatten(1).T, grid))
        score = cv2.resize(found[-1].score.view(grid).numpy(), truth.shape[::-1])
        rows.append(localisation_metrics(score > 0.5, score, truth) | dict(is_pristine=not truth.any()))
    means = average_metrics(rows, pristine='exclude')
    return {key: means[key] for key in METRICS} | dict(
        clusters=float(np.mean([each.num_clusters for each in found])),
        noise=float(np.mean([each.noise_share for each in found])),
        seconds=float(np.mean([each.seconds for each in found])),
    )


def main() -> None:
    """Measure and print."""
    args = parse_args()
    images = embeddings(args)
    results = {}
    for name, clusterer in track((hdbscan_options() if args.options else ALGORITHMS).items(), 'clusterers'):
        results[name] = measure(images, clusterer)
    write_json(args.out, results)
    rows = [(name, *map(float, own.values())) for name, own in results.items()]
    print(text_table(('clusterer', *METRICS.values(), 'clusters', 'noise', 'seconds'), rows))
    print(f'{len(images)} images; written to {args.out}')


if __name__ == '__main__':
    main()
