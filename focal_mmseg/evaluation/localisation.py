"""The metrics of one image; docs/guide/metrics.md has their formulas and who uses which."""

import math

import cv2
import numpy as np

from .counts import Counts
from .ranking import best_f1_of_either_polarity, curve_metrics, threshold_curve

# Those that the rule for pristine images concerns.
OVERLAP_METRICS = ('macro_f1', 'forged_f1', 'permuted_f1', 'border_f1', 'border_permuted_f1', 'iou')
LOCALISATION_METRICS = (
    *OVERLAP_METRICS,
    'best_f1',
    'border_best_f1',
    'found_f1',
    'mcc',
    'auc',
    'ap',
    'nothing_found',
    'false_alarm',
)
# The band around a forgery's border that TruFor and SAFIRE do not score: pixels within 7 inside and 5 outside.
ERODED, DILATED = 15, 11


def exclude_border_band(truth: np.ndarray) -> np.ndarray | None:
    """Which pixels are scored if a band around the forgery's border is not.

    Args:
        truth (np.ndarray): bool of shape (H, W).

    Returns:
        np.ndarray | None: bool of shape (H, W); None where a forgery is so thin that none of it is left.
    """
    plane = truth.astype(np.uint8)
    inside = cv2.erode(plane, np.ones((ERODED, ERODED), np.uint8)) > 0
    outside = cv2.dilate(plane, np.ones((DILATED, DILATED), np.uint8)) == 0
    return inside | outside if inside.any() or not truth.any() else None


def localisation_metrics(
    forged: np.ndarray, score: np.ndarray, truth: np.ndarray, scored: np.ndarray | None = None
) -> dict[str, float]:
    """All metrics of one image.

    Args:
        forged (np.ndarray): bool of shape (H, W), the predicted mask.
        score (np.ndarray): float of shape (H, W), higher means more likely forged.
        truth (np.ndarray): bool of shape (H, W).
        scored (np.ndarray, optional): bool of shape (H, W), the pixels that count. Defaults to all.

    Returns:
        dict[str, float]: ``LOCALISATION_METRICS`` by name. ``best_f1``, ``mcc``, ``auc`` and ``ap`` are NaN unless
        both classes occur in the truth, ``false_alarm`` (the share of pixels called forged) unless the truth is empty,
        ``nothing_found`` if it is, ``found_f1`` where no forged pixel is found, ``border_*`` where the band leaves
        nothing of the forgery. All are NaN where no pixel counts.

    Example:
        >>> import numpy as np
        >>> score = np.array([[0.9, 0.8], [0.2, 0.1]])
        >>> metrics = localisation_metrics(score > 0.5, score, np.array([[True, False], [False, False]]))
        >>> metrics['iou'], metrics['auc']
        (0.5, 1.0)
    """
    return metrics_and_counts(forged, score, truth, scored)[0]


def metrics_and_counts(
    forged: np.ndarray, score: np.ndarray, truth: np.ndarray, scored: np.ndarray | None = None
) -> tuple[dict[str, float], Counts, Counts]:
    """The metrics of one image, its counts, and those without the band around the border.

    Args:
        forged (np.ndarray): See :func:`localisation_metrics`, also for the others.
        score (np.ndarray): See there.
        truth (np.ndarray): See there.
        scored (np.ndarray, optional): See there.

    Returns:
        tuple[dict[str, float], Counts, Counts]: The last are all 0 where the band leaves nothing of the forgery.
    """
    scored = np.ones_like(truth) if scored is None else scored
    if not scored.any():
        return dict.fromkeys(LOCALISATION_METRICS, math.nan), Counts(0, 0, 0, 0), Counts(0, 0, 0, 0)
    counts = Counts.from_masks(forged[scored], truth[scored])
    kept = exclude_border_band(truth & scored)
    kept = np.zeros_like(truth) if kept is None else kept & scored
    beside = Counts.from_masks(forged[kept], truth[kept])
    metrics = {name: getattr(counts, name) for name in ('macro_f1', 'forged_f1', 'permuted_f1', 'iou', 'mcc')}
    metrics |= _presence_metrics(counts) | _ranking_metrics(*(plane[scored] for plane in (score, truth, kept)))
    metrics['border_f1'] = beside.forged_f1 if kept.any() else math.nan
    metrics['border_permuted_f1'] = beside.permuted_f1 if kept.any() else math.nan
    return {name: float(metrics[name]) for name in LOCALISATION_METRICS}, counts, beside


def _presence_metrics(counts: Counts) -> dict[str, float]:
    """Whether anything of a forgery was found, and the false alarms of a pristine image."""
    if not counts.tp + counts.fn:
        alarms = counts.fp / (counts.fp + counts.tn)
        return dict(nothing_found=math.nan, found_f1=math.nan, false_alarm=alarms)
    found = counts.tp > 0
    return dict(nothing_found=float(not found), found_f1=counts.forged_f1 if found else math.nan, false_alarm=math.nan)


def _ranking_metrics(score: np.ndarray, truth: np.ndarray, kept: np.ndarray) -> dict[str, float]:
    """The metrics over all thresholds, of all pixels and of those off the border, from one sorting."""
    if truth.all() or not truth.any():
        return dict.fromkeys(('auc', 'ap', 'best_f1', 'border_best_f1'), math.nan)
    order = np.argsort(-score, kind='stable')
    score, truth, kept = score[order], truth[order], kept[order]
    border = best_f1_of_either_polarity(*threshold_curve(score[kept], truth[kept])) if kept.any() else math.nan
    return curve_metrics(*threshold_curve(score, truth)) | dict(border_best_f1=border)
