"""The figures of one picture; docs/metrics.md has their formulas and who uses which."""

import math

import cv2
import numpy as np

from .counts import Counts
from .ranking import best_of_both_polarities, curve_figures, curve_of

# Those that the rule for pristine pictures concerns.
OVERLAPS = ('macro_f1', 'forged_f1', 'permuted_f1', 'border_f1', 'border_permuted_f1', 'iou')
FIGURES = (
    *OVERLAPS,
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


def off_the_border(truth: np.ndarray) -> np.ndarray | None:
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


def picture_figures(
    forged: np.ndarray, score: np.ndarray, truth: np.ndarray, scored: np.ndarray | None = None
) -> dict[str, float]:
    """All figures of one picture.

    Args:
        forged (np.ndarray): bool of shape (H, W), the predicted mask.
        score (np.ndarray): float of shape (H, W), higher means more likely forged.
        truth (np.ndarray): bool of shape (H, W).
        scored (np.ndarray, optional): bool of shape (H, W), the pixels that count. Defaults to all.

    Returns:
        dict[str, float]: ``FIGURES`` by name. ``best_f1``, ``mcc``, ``auc`` and ``ap`` are NaN unless both classes
        occur in the truth, ``false_alarm`` (the share of pixels called forged) unless the truth is empty,
        ``nothing_found`` if it is, ``found_f1`` where no forged pixel is found, ``border_*`` where the band leaves
        nothing of the forgery. All are NaN where no pixel counts.
    """
    return figures_and_counts(forged, score, truth, scored)[0]


def figures_and_counts(
    forged: np.ndarray, score: np.ndarray, truth: np.ndarray, scored: np.ndarray | None = None
) -> tuple[dict[str, float], Counts, Counts]:
    """The figures of one picture, its counts, and those without the band around the border.

    Args:
        forged (np.ndarray): See :func:`picture_figures`, also for the others.
        score (np.ndarray): See there.
        truth (np.ndarray): See there.
        scored (np.ndarray, optional): See there.

    Returns:
        tuple[dict[str, float], Counts, Counts]: The last are all 0 where the band leaves nothing of the forgery.
    """
    scored = np.ones_like(truth) if scored is None else scored
    if not scored.any():
        return dict.fromkeys(FIGURES, math.nan), Counts(0, 0, 0, 0), Counts(0, 0, 0, 0)
    counts = Counts.of(forged[scored], truth[scored])
    kept = off_the_border(truth & scored)
    kept = np.zeros_like(truth) if kept is None else kept & scored
    beside = Counts.of(forged[kept], truth[kept])
    figures = {name: getattr(counts, name) for name in ('macro_f1', 'forged_f1', 'permuted_f1', 'iou', 'mcc')}
    figures |= _of_detection(counts) | _of_ranking(*(plane[scored] for plane in (score, truth, kept)))
    figures['border_f1'] = beside.forged_f1 if kept.any() else math.nan
    figures['border_permuted_f1'] = beside.permuted_f1 if kept.any() else math.nan
    return {name: float(figures[name]) for name in FIGURES}, counts, beside


def _of_detection(counts: Counts) -> dict[str, float]:
    """Whether anything of a forgery was found, and the false alarms of a pristine picture."""
    if not counts.both + counts.missed:
        alarms = counts.extra / (counts.extra + counts.neither)
        return dict(nothing_found=math.nan, found_f1=math.nan, false_alarm=alarms)
    found = counts.both > 0
    return dict(nothing_found=float(not found), found_f1=counts.forged_f1 if found else math.nan, false_alarm=math.nan)


def _of_ranking(score: np.ndarray, truth: np.ndarray, kept: np.ndarray) -> dict[str, float]:
    """The figures over all thresholds, of all pixels and of those off the border, from one sorting."""
    if truth.all() or not truth.any():
        return dict.fromkeys(('auc', 'ap', 'best_f1', 'border_best_f1'), math.nan)
    order = np.argsort(-score, kind='stable')
    score, truth, kept = score[order], truth[order], kept[order]
    border = best_of_both_polarities(*curve_of(score[kept], truth[kept])) if kept.any() else math.nan
    return curve_figures(*curve_of(score, truth)) | dict(border_best_f1=border)
