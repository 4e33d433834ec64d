"""What is found at a level of false alarms: clusterers alone, and behind the gate; docs/clustering.md has a table.

For each rule one threshold for all images is set so that false alarms, the mean share of a pristine image's pixels
that are called forged, are at most 10, 5, 2 and 1 % on the pristine images of the config's test set; the IoU is the
mean over its forged ones. Beside it stand the IoU and the false alarms of the clusterer without the gate, and the AUC
of forged against pristine images by the gate's image score and by the dispersion of the embeddings.

Example:
  python tools/analysis_tools/gates.py configs/demo/focal_hrnet-compact.py work_dirs/demo/trained.pth
"""

import argparse
import json
import math
import sys
from pathlib import Path

import cv2
import numpy as np
import torch
from prettytable import PrettyTable
from sklearn.metrics import roc_auc_score

from focal_mmseg.apis.embeddings import embed_test_set
from focal_mmseg.apis.run_config import Overrides
from focal_mmseg.clustering import (
    BIRCHClusterer,
    Clusterer,
    EvidenceGate,
    HDBSCANClusterer,
    KMeansClusterer,
    PristineCentreClusterer,
)
from focal_mmseg.clustering.spanning_tree import mutual_reachability_tree
from focal_mmseg.evaluation.counts import Counts
from focal_mmseg.evaluation.operating import operating_curve
from focal_mmseg.evaluation.pooling import score_histogram
from focal_mmseg.utils import atomic_write, override, read_config
from focal_mmseg.utils.progress import track

LEVELS = (0.1, 0.05, 0.02, 0.01)
CLUSTERERS: dict[str, Clusterer] = {
    'pristine centre': PristineCentreClusterer(),
    'BIRCH': BIRCHClusterer(),
    'K-means': KMeansClusterer(),
    'HDBSCAN': HDBSCANClusterer(),
}
# Any scale will do: a threshold is set for each rule.
HALF = 0.1


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file of a FOCAL network and its test set')
    parser.add_argument('checkpoint', help='its weights')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/gates.json'), help='default %(default)s')
    parser.add_argument('--cfg-options', nargs='+', action=Overrides, default={}, help='override the config')
    return parser.parse_args()


def joining_heights(tree: np.ndarray) -> np.ndarray:
    """At which distance each point joins the largest part of a spanning tree that is cut there, (P,).

    Args:
        tree (np.ndarray): float64 of shape (P - 1, 3), from :func:`mutual_reachability_tree`.
    """
    part_of = np.arange(len(tree) + 1)
    parts = [[point] for point in range(len(part_of))]
    heights = np.zeros(len(part_of))
    for one, other, distance in tree:
        large, small = sorted((part_of[int(one)], part_of[int(other)]), key=lambda part: -len(parts[part]))
        heights[parts[small]], part_of[parts[small]] = distance, large
        parts[large] += parts[small]
    return heights


def rules_of(points: torch.Tensor, grid: tuple[int, int], truth: np.ndarray) -> dict[str, dict]:
    """What each rule makes of an image with embeddings (P, C): how its pixels rank, and more of clusterers."""
    gate, found = EvidenceGate(), {}
    for name, clusterer in CLUSTERERS.items():
        own = clusterer.localise(points)
        mask = cv2.resize(own.score.view(grid).numpy(), truth.shape[::-1]) > 0.5
        found[f'{name}, gate'] = row_of(gate.evidence(points, own.labels), grid, truth) | dict(
            own_iou=Counts.from_masks(mask, truth).iou if truth.any() else math.nan,
            own_false_alarm=math.nan if truth.any() else float(mask.mean()),
            image_score=gate(points, own).gate_score,
            dispersion=own.dispersion,
        )
    distance = 1 - points @ PristineCentreClusterer().pristine_centre(points)
    heights = torch.from_numpy(joining_heights(mutual_reachability_tree(points, HDBSCANClusterer().min_samples)))
    found['distance to the pristine centre'] = row_of(distance, grid, truth)
    found["HDBSCAN's tree, cut at a distance"] = row_of(heights.float(), grid, truth)
    return found


def row_of(evidence: torch.Tensor, grid: tuple[int, int], truth: np.ndarray) -> dict:
    """How the pixels of an image rank by evidence (P,) of at least 0, brought to its size as the head does."""
    score = (evidence.clamp(min=0) / (evidence.clamp(min=0) + HALF)).clamp(1e-4, 1 - 1e-4)
    margin = cv2.resize(score.logit().view(grid).numpy(), truth.shape[::-1]).astype(float)
    return dict(is_pristine=not truth.any(), ranking=score_histogram(1 / (1 + np.exp(-margin.ravel())), truth.ravel()))


def figures_of(rows: list[dict]) -> dict[str, float]:
    """The figures of one rule, NaN where it has none."""
    curve = operating_curve(rows)
    found = {f'iou_at_{level}': curve.metrics_at(level)['iou'] for level in LEVELS}
    forged = [not row['is_pristine'] for row in rows]
    for name in ('own_iou', 'own_false_alarm'):
        found[name] = float(np.nanmean([row[name] for row in rows])) if name in rows[0] else math.nan
    for name in ('image_score', 'dispersion'):
        found[name] = float(roc_auc_score(forged, [row[name] for row in rows])) if name in rows[0] else math.nan
    return found


def main() -> None:
    """Measure and print."""
    args = parse_args()
    cfg = read_config(args.config)
    override(cfg, args.cfg_options)
    images = embed_test_set(cfg, args.checkpoint)
    forged = sum(bool(truth.any()) for _, truth in images)
    if forged in (0, len(images)):
        sys.exit('the test set needs forged and pristine images')
    print()
    rows: dict[str, list[dict]] = {}
    for embedded, truth in track(images, 'images'):
        points = embedded.flatten(1).T.contiguous()
        for name, row in rules_of(points, tuple(embedded.shape[1:]), truth).items():
            rows.setdefault(name, []).append(row)
    results = {name: figures_of(own) for name, own in rows.items()}
    levels = (f'IoU at {level:.0%}' for level in LEVELS)
    table = PrettyTable(('rule', *levels, 'IoU without', 'false alarms', 'image AUC', 'dispersion'))
    for name, own in results.items():
        table.add_row((name, *('-' if math.isnan(value) else f'{value:.3f}' for value in own.values())))
    print(f'\n{table}\n{forged} forged and {len(images) - forged} pristine images; written to {args.out}')
    with atomic_write(args.out) as part:
        content = {
            name: {key: None if math.isnan(value) else value for key, value in own.items()}
            for name, own in results.items()
        }
        part.write_text(json.dumps(content, indent=2) + '\n', encoding='utf-8')


if __name__ == '__main__':
    main()
