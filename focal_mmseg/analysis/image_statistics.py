"""One number an image, from its embeddings or its map of evidence, that may tell forged from pristine images.

No classifier: nothing of them is fitted to images.
"""

from collections.abc import Callable
from functools import partial

import cv2
import numpy as np
import torch
from sklearn.metrics import normalized_mutual_info_score

from focal_mmseg.clustering import EvidenceGate, Localisation
from focal_mmseg.clustering.evidence_gate import bimodality_coefficient
from focal_mmseg.evaluation.image_scores import IMAGE_SCORES

from .clustered_image import ClusteredImage
from .gate_rules import persistence, silhouette
from .smoothing import CROSS, box

# Where evidence counts as above a calibrated threshold.
THRESHOLD = 0.125
# Median absolute deviation to standard deviation of a Gaussian.
TO_DEVIATION = 1.4826


def separation(image: ClusteredImage, found: Localisation) -> tuple[float, float]:
    """Distance of the pristine and the forged mean, and the same over the pristine points' spread; 0 without forged."""
    if not found.forged.any():
        return 0.0, 0.0
    pristine, forged = image.points[~found.forged].mean(0), image.points[found.forged].mean(0)
    distance = (pristine - forged).norm().item()
    spread = (image.points[~found.forged] - pristine).norm(dim=1).mean().item()
    return distance, distance / max(spread, 1e-12)


def evidence_map(image: ClusteredImage) -> np.ndarray:
    """The gate's evidence by the robust pristine centre, float32 of shape (h, w)."""
    return image.to_map(image.evidence('pristine centre'))


def top(plane: np.ndarray, share: float) -> float:
    """The mean of the highest values."""
    count = max(1, round(share * plane.size))
    return float(np.partition(plane.ravel(), -count)[-count:].mean())


def robust_peak(plane: np.ndarray, share: float = 0.02) -> float:
    """How many robust standard deviations the mean of the highest values lies above the median."""
    middle = np.median(plane)
    return (top(plane, share) - float(middle)) / (TO_DEVIATION * float(np.median(np.abs(plane - middle))) + 1e-6)


def tail(plane: np.ndarray, deviations: float = 3) -> float:
    """The share of values that many robust standard deviations above the median, where a Gaussian has next to none."""
    middle = np.median(plane)
    return float((plane > middle + deviations * TO_DEVIATION * np.median(np.abs(plane - middle))).mean())


def otsu_separability(values: np.ndarray) -> float:
    """The largest share of the variance that lies between two groups cut at one value (Otsu, 1979)."""
    values = np.sort(values.astype(float))
    left = values.cumsum()[:-1]
    counts = np.arange(1, len(values))
    between = (left / counts - (values.sum() - left) / (len(values) - counts)) ** 2
    between *= counts * (len(values) - counts) / len(values) ** 2
    return float(between.max(initial=0) / (values.var() + 1e-12))


def morans_i(plane: np.ndarray) -> float:
    """Moran's autocorrelation (1950) of a map with its four neighbours, in about [-1, 1]."""
    centred = plane - plane.mean()
    near = cv2.filter2D(centred, -1, CROSS, borderType=cv2.BORDER_CONSTANT)
    pairs = cv2.filter2D(np.ones_like(plane), -1, CROSS, borderType=cv2.BORDER_CONSTANT).sum()
    return float(plane.size / pairs * (centred * near).sum() / ((centred**2).sum() + 1e-12))


def largest_area(plane: np.ndarray, threshold: float = THRESHOLD) -> np.ndarray:
    """The values of the largest 8-connected area above a threshold, empty where there is none."""
    number, labels, statistics, _ = cv2.connectedComponentsWithStats((plane > threshold).astype(np.uint8))
    if number < 2:
        return plane[:0, :0].ravel()
    return plane[labels == 1 + statistics[1:, cv2.CC_STAT_AREA].argmax()]


def excess(plane: np.ndarray, threshold: float = THRESHOLD) -> float:
    """The most evidence beyond a threshold that one 8-connected area holds, as a share of the map."""
    number, labels = cv2.connectedComponents((plane > threshold).astype(np.uint8))
    beyond = np.bincount(labels.ravel(), (plane - threshold).ravel(), minlength=number)[1:]
    return float(beyond.max(initial=0)) / plane.size


def project_onto_axis(image: ClusteredImage) -> np.ndarray:
    """Where each point lies on the line through the two centres, (P,)."""
    found = image.found('pristine centre')
    if not found.forged.any():
        return image.pristine_distance.numpy()
    line = image.points[found.labels == 1].mean(0) - image.points[found.labels == 0].mean(0)
    return (image.points @ line).numpy()


def centre_distance(image: ClusteredImage, name: str = 'pristine centre') -> float:
    """1 - cosine between the two centres, half the squared distance of unit vectors."""
    return separation(image, image.found(name))[0]


def map_statistic(statistic: Callable[[np.ndarray], float]) -> Callable[[ClusteredImage], float]:
    """A statistic of the map of evidence."""
    return lambda image: statistic(evidence_map(image))


def _smooth_peak(radius: int) -> Callable[[ClusteredImage], float]:
    return map_statistic(lambda plane: float(box(plane, radius).max()))


def _score_map_statistic(score: Callable[[np.ndarray], float]) -> Callable[[ClusteredImage], float]:
    return lambda image: score(image.found('HDBSCAN').score.numpy())


def _share(image: ClusteredImage) -> float:
    return image.found('pristine centre').forged.float().mean().item()


def _hdbscan_separation(image: ClusteredImage) -> float:
    found = image.found('HDBSCAN')
    # An image with one cluster is ranked by its dispersion, behind those with two.
    return separation(image, found)[1] * found.forged.float().mean().item() ** 0.5 + 0.01 * found.dispersion


STATISTICS: dict[str, Callable[[ClusteredImage], float]] = {
    **{f"HDBSCAN's score map: {name}": _score_map_statistic(score) for name, score in IMAGE_SCORES.items()},
    'embeddings: 1 - length of their mean': lambda image: image.found('pristine centre').dispersion,
    'HDBSCAN: separation x root of the share': _hdbscan_separation,
    'HDBSCAN: persistence of the first split': lambda image: persistence(image.tree),
    'HDBSCAN and K-means: mutual information': lambda image: normalized_mutual_info_score(
        image.found('HDBSCAN').forged, image.found('K-means').forged
    ),
    'K-means: distance of the centres': partial(centre_distance, name='K-means'),
    'BIRCH: distance of the centres': partial(centre_distance, name='BIRCH'),
    'distance of the centres': centre_distance,
    'distance of the centres over spread': lambda image: separation(image, image.found('pristine centre'))[1],
    'distance of the centres x root of the share': lambda image: centre_distance(image) * _share(image) ** 0.5,
    'silhouette': lambda image: float(silhouette(image.points, image.found('pristine centre').labels).mean()),
    'von Mises-Fisher: likelihood gain': lambda image: image.mixture('von Mises-Fisher')[1],
    'von Mises-Fisher, tied: likelihood gain': lambda image: image.mixture('von Mises-Fisher, tied')[1],
    'axis of the centres: bimodality': lambda image: bimodality_coefficient(torch.from_numpy(project_onto_axis(image))),
    'axis of the centres: variance between two groups': lambda image: otsu_separability(project_onto_axis(image)),
    'distance to the pristine centre: mean': lambda image: float(image.pristine_distance.mean()),
    'distance to the pristine centre: peak over robust spread': lambda image: robust_peak(
        image.pristine_distance.numpy()
    ),
    'distance to the pristine centre: tail': lambda image: tail(image.pristine_distance.numpy()),
    'evidence: mean': map_statistic(lambda plane: float(plane.mean())),
    'evidence: maximum': map_statistic(lambda plane: float(plane.max())),
    'the gate': lambda image: EvidenceGate().image_score(image.points, image.found('pristine centre').labels),
    'evidence: that 2 % reach': map_statistic(lambda plane: float(np.quantile(plane, 0.98))),
    **{
        f'evidence: mean of the top {share:.0%}': map_statistic(partial(top, share=share))
        for share in (0.01, 0.02, 0.05, 0.1, 0.2)
    },
    'evidence: peak over robust spread': map_statistic(robust_peak),
    'evidence: peak over mean': map_statistic(lambda plane: top(plane, 0.02) / (float(plane.mean()) + 1e-4)),
    'evidence: tail': map_statistic(tail),
    'evidence: bimodality': lambda image: bimodality_coefficient(image.evidence('pristine centre')),
    'evidence: variance between two groups': map_statistic(lambda plane: otsu_separability(plane.ravel())),
    'evidence: share above the threshold': map_statistic(lambda plane: float((plane > THRESHOLD).mean())),
    'evidence: largest area above the threshold': map_statistic(lambda plane: len(largest_area(plane)) / plane.size),
    'evidence: share of the largest area in all above': map_statistic(
        lambda plane: len(largest_area(plane)) / max(1, int((plane > THRESHOLD).sum()))
    ),
    'evidence: excess of one area': map_statistic(excess),
    "evidence: Moran's I": map_statistic(morans_i),
    "evidence: Moran's I x top 2 %": map_statistic(lambda plane: max(0.0, morans_i(plane)) * top(plane, 0.02)),
    **{f'evidence: highest mean of {2 * r + 1}x{2 * r + 1}': _smooth_peak(r) for r in (1, 2, 3, 5)},
}
