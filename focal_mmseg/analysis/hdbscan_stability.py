"""Why HDBSCAN keeps an image whole: the stability of the whole against that of its parts.

HDBSCAN (Campello, Moulavi and Sander, 2013; McInnes, Healy and Astels, 2017) counts for each cluster, over its points,
the density 1 / distance at which the point leaves it less that at which the cluster is born. The whole is born at a
density of 0, its parts where it splits. So the parts win only if, in the mean, their points stay to more than twice the
density of the split.
"""

import math
from dataclasses import dataclass, replace
from typing import cast

import cv2
import numpy as np
import torch
from hdbscan._hdbscan_tree import compute_stability, condense_tree
from sklearn.metrics import jaccard_score
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.apis.embeddings import EmbeddedImage
from focal_mmseg.clustering import HDBSCANClusterer, KMeansClusterer, localise
from focal_mmseg.clustering.hdbscan_clusterer import single_linkage_label
from focal_mmseg.clustering.spanning_tree import mutual_reachability_tree
from focal_mmseg.evaluation.counts import Counts
from focal_mmseg.utils.synthetic_embeddings import groups

CLUSTERER = HDBSCANClusterer()


@dataclass(frozen=True)
class Stability:
    """Of HDBSCAN's condensed tree.

    Attributes:
        whole (float): Stability of the root, at least 0.
        parts (float): The sum of those of the clusters that it would be split into, 0 where it never splits.
    """

    whole: float
    parts: float

    @property
    def ratio(self) -> float:
        """Parts over whole: above 1 HDBSCAN splits."""
        return self.parts / max(self.whole, 1e-12)


def compare_stability(tree: np.ndarray, smallest: int) -> Stability:
    """Compare the whole with the best choice of parts, as the selection by excess of mass does.

    Args:
        tree (np.ndarray): float64 of shape (P - 1, 3), from :func:`mutual_reachability_tree`.
        smallest (int): The fewest points of a cluster, at least 2.
    """
    condensed = condense_tree(single_linkage_label(tree), smallest)
    stability = compute_stability(condensed)
    root = min(stability)
    best: dict[int, float] = {}
    # A child has a higher number than its parent.
    for cluster in sorted(stability, reverse=True):
        children = condensed['child'][(condensed['parent'] == cluster) & (condensed['child_size'] > 1)]
        parts = sum(best[int(child)] for child in children)
        if cluster == root:
            return Stability(float(stability[root]), float(parts))
        best[cluster] = max(float(stability[cluster]), float(parts))
    raise AssertionError('a condensed tree has a root')


def measure_synthetic_case(
    points: int, share: float, spread: float, width: int = 32, seed: int = 0
) -> dict[str, float]:
    """HDBSCAN and K-means on two round groups of unit vectors, at right angles.

    Args:
        points (int): Of both groups.
        share (float): Of the smaller group, the forged one, in (0, 1/2).
        spread (float): Length of the noise around each axis; see :func:`groups`.
        width (int): Of the embeddings.
        seed (int): Of the noise.

    Returns:
        dict[str, float]: The case; ``sharpness``, the distance of the group means over the root mean square distance to
        them; ``ratio`` of the stabilities; ``hdbscan`` and ``k_means``, the IoU of each.
    """
    embeddings = groups(points, width, (1 - share, share), spread, seed)
    truth = torch.arange(points) >= round((1 - share) * points)
    tree = mutual_reachability_tree(embeddings, cast(int, CLUSTERER.min_samples))
    return dict(
        points=points,
        share=share,
        spread=spread,
        sharpness=compute_sharpness(embeddings, truth),
        ratio=compare_stability(tree, max(2, round(CLUSTERER.min_cluster_size * points))).ratio,
        hdbscan=_iou(localise(embeddings, CLUSTERER.tree_labels(tree)).forged, truth),
        k_means=_iou(KMeansClusterer().localise(embeddings).forged, truth),
    )


def compute_sharpness(points: Tensor, truth: Tensor) -> float:
    """The distance of the means of pristine and forged points over the root mean square distance to their means.

    Args:
        points (Tensor): float of shape (P, C).
        truth (Tensor): bool of shape (P,), both kinds.
    """
    groups_of = [points[each] for each in (~truth, truth)]
    squares = torch.stack([(group - group.mean(0)).square().sum() for group in groups_of]).sum()
    return float((groups_of[0].mean(0) - groups_of[1].mean(0)).norm() / (squares / len(points)).sqrt())


def compute_image_sharpness(image: EmbeddedImage) -> float:
    """:func:`compute_sharpness` by the image's mask; NaN where no point, or every point, is mostly forged."""
    cells = cv2.resize(image.truth.astype(np.float32), image.grid[::-1], interpolation=cv2.INTER_AREA) > 0.5
    if cells.all() or not cells.any():
        return math.nan
    return compute_sharpness(image.points, torch.from_numpy(cells.ravel()))


def _iou(forged: Tensor, truth: Tensor) -> float:
    return float(jaccard_score(truth.numpy(), forged.numpy(), zero_division=0))


def hdbscan_settings(points: int) -> dict[str, HDBSCANClusterer]:
    """HDBSCAN as this project has it and as the paper's journal version has it, for a map of so many points.

    The paper's 200 points of a 256x256 map are also taken as a share, which on a smaller map are fewer. At 256x256 both
    are the same, and the former's name has it.
    """
    share = max(2, round(200 / 256**2 * points))
    found = {}
    for single in (True, False):
        ending = 'the whole allowed' if single else 'always split'
        found[f'.5 %, 20 neighbours, {ending}'] = HDBSCANClusterer(allow_single_cluster=single)
        if share != 200:
            found[f'.3 %, as many neighbours, {ending}'] = HDBSCANClusterer(share, None, allow_single_cluster=single)
        found[f'200 points, {ending}'] = HDBSCANClusterer(200, None, allow_single_cluster=single)
    return found


def resize_map(image: EmbeddedImage, grid: tuple[int, int]) -> EmbeddedImage:
    """An image whose map of embeddings is brought to another size, bilinearly, and to unit length again."""
    if grid == image.grid:
        return image
    enlarged = F.interpolate(image.embeddings[None], grid, mode='bilinear')[0]
    return replace(image, embeddings=F.normalize(enlarged, dim=0))


def measure_real_case(image: EmbeddedImage) -> dict[str, dict[str, float]]:
    """What each setting finds in an image: ``iou`` (NaN of a pristine one), ``false_alarm`` (of a forged one)."""
    points, trees, found = image.points, {}, {}
    localised = {'K-means': KMeansClusterer().localise(points)}
    for name, clusterer in hdbscan_settings(len(points)).items():
        # As a count: hdbscan_settings gives no share without min_samples.
        samples = cast(int, clusterer.min_samples or clusterer.min_cluster_size)
        if samples not in trees:
            trees[samples] = mutual_reachability_tree(points, samples)
        localised[name] = localise(points, clusterer.tree_labels(trees[samples]))
    for name, own in localised.items():
        mask = cv2.resize(own.score.view(image.grid).numpy(), image.truth.shape[::-1]) > 0.5
        found[name] = dict(
            iou=Counts.from_masks(mask, image.truth).iou if image.is_forged else math.nan,
            false_alarm=math.nan if image.is_forged else float(mask.mean()),
        )
    return found
