"""How well images are told apart as a whole, forged from pristine."""

import math
from collections.abc import Sequence

import numpy as np

from .counts import Counts
from .ranking import curve_metrics

DETECTION_METRICS = ('auc', 'f1', 'accuracy', 'balanced_accuracy', 'sensitivity', 'false_alarm')


def require_image_threshold(threshold: float | None) -> None:
    """Refuse what no image score can be above, or all are.

    Raises:
        ValueError: If it is a number outside [0, 1).
    """
    if threshold is not None and not 0 <= threshold < 1:
        raise ValueError(f'image_threshold must be None or in [0, 1), got {threshold}')


def detection_metrics(rows: Sequence[dict], threshold: float | None = None) -> dict[str, float]:
    """The metrics of images as a whole.

    Args:
        rows (Sequence[dict]): An image each: ``image_score``, which ranks them, ``is_pristine`` and ``called_forged``.
            One whose score is NaN is left out.
        threshold (float, optional): An image is called forged if its image score is above it. None calls it forged if
            any of its pixels is. Defaults to None.

    Returns:
        dict[str, float]: ``DETECTION_METRICS`` by name: ``auc``, ``f1`` of the forged ones, ``accuracy`` and
        ``balanced_accuracy``, NaN unless there are both; ``sensitivity`` and ``false_alarm``, the shares of forged and
        of pristine images that are called forged.

    Example:
        >>> rows = [dict(image_score=0.9, is_pristine=False, called_forged=True)]
        >>> rows += [dict(image_score=score, is_pristine=True, called_forged=score > 0.5) for score in (0.1, 0.6)]
        >>> metrics = detection_metrics(rows)
        >>> metrics['auc'], metrics['sensitivity'], metrics['false_alarm']
        (1.0, 1.0, 0.5)
    """
    drawn = resampled_detection_metrics(rows, threshold, np.ones((1, len(rows))))
    return {name: float(values[0]) for name, values in drawn.items()}


def resampled_detection_metrics(
    rows: Sequence[dict], threshold: float | None, draws: np.ndarray
) -> dict[str, np.ndarray]:
    """The same of images that are drawn anew.

    Args:
        rows (Sequence[dict]): See :func:`detection_metrics`, N of them.
        threshold (float, optional): See there.
        draws (np.ndarray): float64 of shape (R, N): how often each image is drawn.

    Returns:
        dict[str, np.ndarray]: float64 of shape (R,), by the names of ``DETECTION_METRICS``.
    """
    score = np.array([row['image_score'] for row in rows], float)
    # NaN goes last.
    order = np.argsort(-score, kind='stable')[: np.count_nonzero(~np.isnan(score))]
    score, draws = score[order], draws[:, order]
    truth = np.array([not rows[number]['is_pristine'] for number in order], bool)
    mask_called = np.array([rows[number]['called_forged'] for number in order], bool)
    called = mask_called if threshold is None else score > threshold
    if not truth.size:
        return {name: np.full(len(draws), math.nan) for name in DETECTION_METRICS}
    cells = np.stack([truth & called, ~truth & called, truth & ~called, ~truth & ~called], 1)
    thresholds = np.append(np.flatnonzero(np.diff(score)), len(score) - 1)
    hits, misses = (np.cumsum(draws * which, 1)[:, thresholds] for which in (truth, ~truth))
    found = [_metrics(*each) for each in zip(draws @ cells, hits, misses, strict=True)]
    return {name: np.array([each[name] for each in found]) for name in DETECTION_METRICS}


def _metrics(cells: np.ndarray, hits: np.ndarray, misses: np.ndarray) -> dict[str, float]:
    """``DETECTION_METRICS`` from TP, FP, FN, TN, and the numbers forged and pristine at or above each image score."""
    counts = Counts(*map(int, cells))
    forged, pristine = counts.tp + counts.fn, counts.tn + counts.fp
    rates = dict(
        sensitivity=counts.tp / forged if forged else math.nan,
        false_alarm=counts.fp / pristine if pristine else math.nan,
    )
    if not forged or not pristine:
        return dict.fromkeys(DETECTION_METRICS, math.nan) | rates
    return rates | dict(
        auc=curve_metrics(hits, misses)['auc'],
        f1=counts.forged_f1,
        accuracy=(counts.tp + counts.tn) / (forged + pristine),
        balanced_accuracy=(counts.tp / forged + counts.tn / pristine) / 2,
    )
