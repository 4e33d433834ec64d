"""Rules that say how much speaks for each point being forged, on a scale that is the same for all images.

Each gives evidence of at least 0 for the points of an image. A hard rule cuts clusters out and gives all points of one
the same number; it cannot rank points within a cluster.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from hdbscan._hdbscan_tree import compute_stability, condense_tree
from sklearn.metrics import silhouette_samples
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.clustering import EvidenceGate, HDBSCANClusterer, Localisation
from focal_mmseg.clustering.evidence_gate import bimodality_coefficient, connected_evidence
from focal_mmseg.clustering.hdbscan_clusterer import single_linkage_label

from .clustered_image import CLUSTERERS, HDBSCANS, MIXTURES, ClusteredImage
from .jpeg_evidence import double_compression, stream_distance, stream_evidence, stream_points
from .smoothing import box, guided, potts

# Those of the gate of focal_lite.
OPTIONS: dict[str, float] = dict(reach=3, bimodality=2)
# Of the Potts model, whose neighbours add to a logit that needs a threshold before there is one.
THRESHOLD = 0.1


@dataclass(frozen=True)
class Rule:
    """A rule.

    Attributes:
        evidence (Callable): From a :class:`ClusteredImage` to float of shape (P,), at least 0.
        is_hard (bool): Whether it gives one number to all points of a cluster.
        alone (str | None): The clusterer that the rule is a gate over, to be measured without the gate too.
        needs_jpeg (bool): Whether it asks for what embed.py keeps of the JPEG file with --jpeg.
    """

    evidence: Callable[[ClusteredImage], Tensor]
    is_hard: bool = False
    alone: str | None = None
    needs_jpeg: bool = False


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


def persistence(tree: np.ndarray, clusterer: HDBSCANClusterer = HDBSCANS['HDBSCAN']) -> float:
    """Of the first split in HDBSCAN's condensed tree: the smaller child's stability over the root's; 0 without one."""
    condensed = condense_tree(single_linkage_label(tree), max(2, round(clusterer.min_cluster_size * (len(tree) + 1))))
    stability = compute_stability(condensed)
    root = min(stability)
    splits = condensed[(condensed['parent'] == root) & (condensed['child_size'] > 1)]
    children = [stability[child] for child in splits['child']]
    return min(children) / max(stability[root], 1e-12) if children else 0.0


def silhouette(points: Tensor, labels: Tensor) -> Tensor:
    """How much nearer each point (P, C) is to its own cluster than to the next (Rousseeuw, 1987), at least 0."""
    if len(labels.unique()) < 2:
        return torch.zeros(len(labels))
    return torch.from_numpy(silhouette_samples(points.numpy(), labels.numpy())).float().clamp(min=0)


def _gate(name: str) -> Rule:
    return Rule(lambda image: image.evidence(name), alone=name)


def _hard(name: str, statistic: Callable[[ClusteredImage, Localisation], float]) -> Rule:
    def evidence(image: ClusteredImage) -> Tensor:
        found = image.found(name)
        return found.forged.float() * max(0.0, statistic(image, found))

    return Rule(evidence, is_hard=True)


def _each_cluster(name: str) -> Rule:
    """Every cluster counts by itself: all its points get its mean evidence."""

    def evidence(image: ClusteredImage) -> Tensor:
        labels, own = image.found(name).labels, image.evidence(name)
        found = torch.zeros_like(own)
        for cluster in range(1, int(labels.max()) + 1):
            found[labels == cluster] = own[labels == cluster].mean()
        return found

    return Rule(evidence, is_hard=True)


def _each_cluster_soft(name: str) -> Rule:
    """The same, but a point's own evidence counts as much as its cluster's."""
    hard = _each_cluster(name).evidence
    return Rule(lambda image: (hard(image) * image.evidence(name)).sqrt())


def _smoothed(smooth: Callable[[ClusteredImage, np.ndarray], np.ndarray], name: str = 'pristine centre') -> Rule:
    def evidence(image: ClusteredImage) -> Tensor:
        smoothed = smooth(image, image.to_map(image.evidence(name)))
        return torch.from_numpy(np.ascontiguousarray(smoothed)).flatten().clamp(min=0)

    return Rule(evidence)


def _smoothed_embeddings_evidence(image: ClusteredImage) -> Tensor:
    maps = F.avg_pool2d(image.image.embeddings[None], 3, 1, 1, count_include_pad=False)
    points = F.normalize(maps[0].flatten(1).T, dim=1).contiguous()
    return EvidenceGate().evidence(points, CLUSTERERS['pristine centre'].localise(points).labels)


def _weighted_centre_distances(image: ClusteredImage) -> tuple[Tensor, Tensor]:
    """The centres of HDBSCAN's clusters, points weighted by its probabilities, and the distances (P, K) to them."""
    found, probabilities = HDBSCANS['HDBSCAN, always split'].tree_memberships(image.tree)
    weights = torch.from_numpy(probabilities).float().clamp(min=1e-3)
    labels = torch.from_numpy(found)
    numbers = [each for each in labels.unique().tolist() if each >= 0] or [-1]
    numbers.sort(key=lambda each: -int((labels == each).sum()))
    centres = [(image.points * (weights * (labels == each))[:, None]).sum(0) for each in numbers]
    distances = 1 - image.points @ F.normalize(torch.stack(centres), dim=1).T
    return distances.clamp(min=0), labels


def _weighted_distance(image: ClusteredImage) -> Tensor:
    return _weighted_centre_distances(image)[0][:, 0]


def _weighted_evidence(image: ClusteredImage) -> Tensor:
    distances, _ = _weighted_centre_distances(image)
    pristine = distances[:, 0]
    other = distances[:, 1:].min(1).values if distances.shape[1] > 1 else pristine
    return pristine * (pristine / (pristine + other).clamp(min=1e-12)) ** 3


def _posterior_times_distance(image: ClusteredImage) -> Tensor:
    return image.pristine_distance * image.mixture('von Mises-Fisher')[0]


def _options(name: str = 'pristine centre', **options: Any) -> Rule:
    """The gate with options."""
    gate = EvidenceGate(**options)
    return Rule(lambda image: gate.evidence(image.points, image.found(name).labels, image.grid))


def _over_spread(power: float, **options: Any) -> Rule:
    """The gate's evidence over a power of the median distance to the pristine centre."""
    own = _options(**options).evidence
    return Rule(lambda image: own(image) * (0.05 / image.pristine_distance.median().clamp(min=1e-3)) ** power)


def _times_image_score(power: float, **options: float) -> Rule:
    """The gate's evidence times a power of its image score."""
    gate = EvidenceGate(**options)

    def evidence(image: ClusteredImage) -> Tensor:
        labels = image.found('pristine centre').labels
        score = gate.image_score(image.points, labels)
        return gate.evidence(image.points, labels, image.grid) * score**power

    return Rule(evidence)


def _beside_the_stream(image: ClusteredImage) -> Tensor:
    """Embeddings and half the JPEG stream's side by side, as one clustering's points: equation 4 with weights."""
    points = F.normalize(torch.cat([image.points, stream_points(image.image) / 2], 1), dim=1)
    labels = CLUSTERERS['pristine centre'].localise(points).labels
    return EvidenceGate(**OPTIONS).evidence(points, labels, image.grid)


def _plus_the_stream(image: ClusteredImage) -> Tensor:
    """The evidence, and a quarter of the JPEG stream's, with the gate's options."""
    both = image.evidence('pristine centre') + stream_evidence(image.image) / 4
    weighed = both * bimodality_coefficient(both) ** OPTIONS['bimodality']
    return connected_evidence(weighed.view(image.grid), OPTIONS['reach']).flatten()


def _mean_evidence(*names: str) -> Rule:
    return Rule(lambda image: torch.stack([image.evidence(name) for name in names]).mean(0))


def _centre_distance(image: ClusteredImage, found: Localisation) -> float:
    return float(found.centre_distances.max()) ** 2 / 2


GATED = ('pristine centre', 'BIRCH', 'K-means', *MIXTURES, *HDBSCANS)
# More options of the gate, for low levels of false alarms.
LOW_LEVELS: dict[str, dict[str, float]] = {
    'smoothing .5': dict(smoothing=0.5),
    'smoothing 1': dict(smoothing=1),
    'separation .25': dict(separation=0.25),
    'separation .5': dict(separation=0.5),
    'separation 1': dict(separation=1),
    'smoothing .5, separation .25': dict(smoothing=0.5, separation=0.25),
    'smoothing .5, separation .5': dict(smoothing=0.5, separation=0.5),
    'smoothing 1, separation .5': dict(smoothing=1, separation=0.5),
    'smoothing 1, separation 1': dict(smoothing=1, separation=1),
}

RULES: dict[str, Rule] = {
    **{f'{name}, gate': _gate(name) for name in GATED},
    'distance to the pristine centre': Rule(lambda image: image.pristine_distance),
    "HDBSCAN's tree, cut at a distance": Rule(lambda image: torch.from_numpy(joining_heights(image.tree)).float()),
    'HDBSCAN, weighted by probability, distance': Rule(_weighted_distance),
    'HDBSCAN, weighted by probability, evidence': Rule(_weighted_evidence),
    'HDBSCAN, mask by persistence': _hard('HDBSCAN, always split', lambda image, _: persistence(image.tree)),
    'K-means, mask by silhouette': _hard(
        'K-means', lambda image, found: float(silhouette(image.points, found.labels).mean())
    ),
    'pristine centre, silhouette of points': Rule(
        lambda image: (
            silhouette(image.points, image.found('pristine centre').labels)
            * (image.found('pristine centre').labels > 0)
        )
    ),
    'pristine centre, mask by distance of centres': _hard('pristine centre', _centre_distance),
    'BIRCH, mask by distance of centres': _hard('BIRCH', _centre_distance),
    'von Mises-Fisher, mask by likelihood gain': _hard(
        'von Mises-Fisher', lambda image, _: image.mixture('von Mises-Fisher')[1]
    ),
    'von Mises-Fisher, distance times posterior': Rule(_posterior_times_distance),
    'BIRCH, 4 clusters, gate': _gate('BIRCH, 4 clusters'),
    'BIRCH, 4 clusters, each by its mean': _each_cluster('BIRCH, 4 clusters'),
    'BIRCH, 4 clusters, each by its mean and point': _each_cluster_soft('BIRCH, 4 clusters'),
    'K-means, 4 clusters, each by its mean': _each_cluster('K-means, 4 clusters'),
    'K-means, 4 clusters, each by its mean and point': _each_cluster_soft('K-means, 4 clusters'),
    'pristine centre, embeddings 3x3': Rule(_smoothed_embeddings_evidence),
    'pristine centre, evidence 3x3': _smoothed(lambda _, plane: box(plane, 1)),
    'pristine centre, guided by distance': _smoothed(
        lambda image, plane: guided(plane, image.to_map(image.pristine_distance), 2, 0.1)
    ),
    'pristine centre, Potts': _smoothed(lambda _, plane: potts(plane, THRESHOLD, 0.25, 5)),
    **{f'pristine centre, reach {reach}': _options(reach=reach) for reach in (2, 3, 4, 6)},
    'pristine centre, 3x3 and reach 2': _smoothed(
        lambda _, plane: connected_evidence(torch.from_numpy(box(plane, 1)), 2).numpy()
    ),
    **{f'pristine centre, reach 3, bimodality {power}': _options(reach=3, bimodality=power) for power in (1, 2, 3)},
    **{
        f'{name}, reach 3, bimodality 2': _options(name, reach=3, bimodality=2)
        for name in ('BIRCH', 'K-means', 'HDBSCAN')
    },
    **{f'pristine centre, over spread ** 1/{part}': _over_spread(1 / part) for part in (4, 2)},
    'pristine centre, reach 3, over spread ** 1/4': _over_spread(0.25, reach=3),
    'pristine centre, reach 3, bimodality 1, over spread ** 1/4': _over_spread(0.25, reach=3, bimodality=1),
    **{
        f'pristine centre, reach 3, bimodality 2, {name}': _options('pristine centre', **OPTIONS, **more)
        for name, more in LOW_LEVELS.items()
    },
    'pristine centre, reach 3, bimodality 2, times the image score': _times_image_score(1, **OPTIONS),
    'pristine centre, reach 3, bimodality 2, smoothing .5, times the image score': _times_image_score(
        1, smoothing=0.5, **OPTIONS
    ),
    'pristine centre, reach 3, bimodality 2, over spread ** 1/4': _over_spread(0.25, **OPTIONS),
    'JPEG stream, gate': Rule(lambda image: stream_evidence(image.image), needs_jpeg=True),
    'JPEG stream, distance to its pristine centre': Rule(lambda image: stream_distance(image.image), needs_jpeg=True),
    'coefficients, double compression': Rule(lambda image: double_compression(image.image), needs_jpeg=True),
    'pristine centre beside half the JPEG stream, reach 3, bimodality 2': Rule(_beside_the_stream, needs_jpeg=True),
    'pristine centre plus a quarter of the JPEG stream, reach 3, bimodality 2': Rule(_plus_the_stream, needs_jpeg=True),
    'pristine centre and BIRCH, mean': _mean_evidence('pristine centre', 'BIRCH'),
    'pristine centre and vMF, mean': _mean_evidence('pristine centre', 'von Mises-Fisher, tied'),
}
