"""How to tell a forged image from a pristine one without a classifier: candidates compared; docs/metrics.md has them.

A candidate gives one number an image, from its score map, its embeddings or its clusters. The table has the AUC of
forged against pristine images of the config's test set.

Example:
  python tools/analysis_tools/image_scores.py configs/demo/focal_hrnet-compact.py work_dirs/demo/trained.pth
"""

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
import torch
from hdbscan._hdbscan_tree import compute_stability, condense_tree
from sklearn.metrics import normalized_mutual_info_score, roc_auc_score

from focal_mmseg.apis.embeddings import embed_test_set
from focal_mmseg.apis.run_config import Overrides
from focal_mmseg.clustering import HDBSCANClusterer, KMeansClusterer, Localisation
from focal_mmseg.clustering.hdbscan_clusterer import single_linkage_label
from focal_mmseg.clustering.spanning_tree import mutual_reachability_tree
from focal_mmseg.evaluation.image_scores import IMAGE_SCORES
from focal_mmseg.utils import override, read_config, write_json
from focal_mmseg.utils.progress import track
from focal_mmseg.utils.tables import text_table


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file of a FOCAL network and its test set')
    parser.add_argument('checkpoint', help='its weights')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/image_scores.json'), help='default %(default)s')
    parser.add_argument('--cfg-options', nargs='+', action=Overrides, default={}, help='override the config')
    return parser.parse_args()


def separation(points: torch.Tensor, found: Localisation) -> tuple[float, float]:
    """Distance of the pristine and the forged mean, and the same over the pristine points' spread; 0 without forged."""
    if not found.forged.any():
        return 0.0, 0.0
    pristine, forged = points[~found.forged].mean(0), points[found.forged].mean(0)
    distance = (pristine - forged).norm().item()
    spread = (points[~found.forged] - pristine).norm(dim=1).mean().item()
    return distance, distance / max(spread, 1e-12)


def persistence(points: torch.Tensor, clusterer: HDBSCANClusterer) -> float:
    """Of the first split in HDBSCAN's condensed tree: the smaller child's stability over the root's."""
    tree = single_linkage_label(mutual_reachability_tree(points, clusterer.min_samples))
    condensed = condense_tree(tree, max(2, round(clusterer.min_cluster_size * len(points))))
    stability = compute_stability(condensed)
    root = min(stability)
    splits = condensed[(condensed['parent'] == root) & (condensed['child_size'] > 1)]
    children = [stability[child] for child in splits['child']]
    return min(children) / stability[root] if children else 0.0


def candidates(embeddings: torch.Tensor, size: tuple[int, int]) -> dict[str, float]:
    """Each candidate's number for one image with embeddings (C, h, w) and (H, W) pixels."""
    points = embeddings.flatten(1).T.contiguous()
    hdbscan, k_means = HDBSCANClusterer(), KMeansClusterer()
    found, two = hdbscan.localise(points), k_means.localise(points)
    score = cv2.resize(found.score.view(embeddings.shape[1:]).numpy(), size[::-1])
    homogeneity = 1 - points.mean(0).norm().item()
    share = found.forged.float().mean().item()
    # An image with one cluster is ranked by its homogeneity, behind those with two.
    return {f'score map: {name}': of(score) for name, of in IMAGE_SCORES.items()} | {
        'embeddings: 1 - length of their mean': homogeneity,
        'HDBSCAN: separation x root of the share': separation(points, found)[1] * share**0.5 + 0.01 * homogeneity,
        'HDBSCAN: persistence of the first split': persistence(points, hdbscan),
        'HDBSCAN and K-means: mutual information': normalized_mutual_info_score(found.forged, two.forged),
        'K-means: distance of the centres': separation(points, two)[0],
    }


def main() -> None:
    """Measure and print."""
    args = parse_args()
    cfg = read_config(args.config)
    override(cfg, args.cfg_options)
    images = embed_test_set(cfg, args.checkpoint)
    forged = [bool(truth.any()) for _, truth in images]
    if len(set(forged)) < 2:
        sys.exit('the test set needs forged and pristine images')
    found = [candidates(embeddings, truth.shape) for embeddings, truth in track(images, 'images')]
    aucs = {name: float(roc_auc_score(forged, np.array([each[name] for each in found]))) for name in found[0]}
    print(text_table(('image score', 'AUC'), sorted(aucs.items(), key=lambda each: -each[1])))
    print(f'{sum(forged)} forged and {len(forged) - sum(forged)} pristine images; written to {args.out}')
    write_json(args.out, aucs)


if __name__ == '__main__':
    main()
