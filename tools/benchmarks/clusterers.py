"""Compare clusterers on the embeddings of one trained network; docs/clustering.md shows its table.

The embeddings of the config's test set are computed once. Each clusterer then says what is forged, and the figures are
those of ForgeryMetric, with F1, IoU and AUC over the forged pictures and false alarms over the pristine ones.

Example:
  python tools/benchmarks/clusterers.py configs/demo/focal_hrnet-compact.py work_dirs/demo/trained.pth
"""

import argparse
import json
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.config import Config, DictAction
from mmengine.dataset import pseudo_collate
from mmengine.utils import track_iter_progress
from mmseg.apis import init_model
from mmseg.registry import DATASETS, TASK_UTILS
from prettytable import PrettyTable

from focal_mmseg.engine.checkpoint import load_weights, require_fit
from focal_mmseg.evaluation.metrics.forgery_metric import average, picture_scores
from focal_mmseg.utils import written_whole

FIGURES = {'macro_f1': 'macro F1', 'iou': 'IoU', 'auc': 'AUC', 'false_alarm': 'false alarms'}


def candidates() -> dict[str, dict]:
    """The clusterers compared, as configs by name."""
    found = {'K-means, 2 clusters': dict(type='KMeansClusterer')}
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
    parser.add_argument('config', help='config file of the model and the test set')
    parser.add_argument('checkpoint', help='its weights')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/clusterers.json'), help='default %(default)s')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={}, help='override the config')
    return parser.parse_args()


def embed(cfg: Config, checkpoint: str) -> list[tuple[torch.Tensor, np.ndarray]]:
    """The embeddings (C, h, w) and the truth (H, W) of each picture of the test set."""
    model = init_model(cfg, None, 'cpu')
    weights = load_weights(checkpoint)
    require_fit(model, weights, checkpoint)
    model.load_state_dict(weights)
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    found = []
    for sample in track_iter_progress([dataset[index] for index in range(len(dataset))]):
        batch = model.data_preprocessor(pseudo_collate([sample]), training=False)
        with torch.no_grad():
            embeddings = model(batch['inputs'], mode='tensor')[0]
        found.append((embeddings, sample['data_samples'].gt_sem_seg.data[0].numpy() == 1))
    return found


def measure(pictures: list[tuple[torch.Tensor, np.ndarray]], clusterer: dict) -> dict[str, float]:
    """The figures of one clusterer, with its clusters, noise and seconds a picture."""
    clusterer = TASK_UTILS.build(clusterer)
    rows, clusters, noise = [], [], []
    start = time.perf_counter()
    for embeddings, truth in pictures:
        localisation = clusterer.localise(embeddings.flatten(1).T)
        score = cv2.resize(localisation.score.view(embeddings.shape[1:]).numpy(), truth.shape[::-1])
        rows.append(
            {**picture_scores(score.ravel() > 0.5, score.ravel(), truth.ravel()), 'is_pristine': not truth.any()}
        )
        clusters.append(localisation.num_clusters)
        noise.append(localisation.noise_share)
    seconds = (time.perf_counter() - start) / len(pictures)
    means = average(rows, count_pristine=False)
    return {key: means[key] for key in FIGURES} | dict(
        clusters=float(np.mean(clusters)), noise=float(np.mean(noise)), seconds=seconds
    )


def main() -> None:
    """Measure and print."""
    args = parse_args()
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    pictures = embed(cfg, args.checkpoint)
    results = {}
    table = PrettyTable(('clusterer', *FIGURES.values(), 'clusters', 'noise', 'seconds'))
    for name, clusterer in track_iter_progress(list(candidates().items())):
        results[name] = measure(pictures, clusterer)
        table.add_row((name, *(f'{value:.3f}' for value in results[name].values())))
    with written_whole(args.out) as part:
        part.write_text(json.dumps(results, indent=2) + '\n', encoding='utf-8')
    print(f'\n{table}\n{len(pictures)} pictures; written to {args.out}')


if __name__ == '__main__':
    main()
