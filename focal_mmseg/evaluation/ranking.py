"""Metrics of a score, over all thresholds."""

import math

import numpy as np


def threshold_curve(score: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pixels at or above each distinct score.

    Args:
        score (np.ndarray): float of shape (P,), at least one, sorted from high to low.
        truth (np.ndarray): bool of shape (P,).

    Returns:
        tuple[np.ndarray, np.ndarray]: int64 of shape (T,): how many are forged, and how many pristine.
    """
    hits = np.cumsum(truth)
    # Equal scores are one threshold: its last place counts.
    last = np.append(np.flatnonzero(np.diff(score)), truth.size - 1)
    return hits[last], last + 1 - hits[last]


def curve_metrics(hits: np.ndarray, misses: np.ndarray) -> dict[str, float]:
    """AUC, average precision and the best F1 over all thresholds.

    Args:
        hits (np.ndarray): Forged pixels at or above each threshold, from high to low: int of shape (T,), the last one
            all of them.
        misses (np.ndarray): The same of the pristine pixels.

    Returns:
        dict[str, float]: ``auc``, ``ap``, ``best_f1``: scikit-learn's ``roc_auc_score``, ``average_precision_score``
        and the maximum of its precision-recall curve's F1. NaN unless both classes occur.
    """
    real, clean = float(hits[-1]), float(misses[-1])
    if not real or not clean:
        return dict.fromkeys(('auc', 'ap', 'best_f1'), math.nan)
    recall, fallout = np.append(0, hits) / real, np.append(0, misses) / clean
    called = hits + misses
    precision = hits / np.maximum(called, 1)
    return dict(
        auc=float((np.diff(fallout) * (recall[1:] + recall[:-1]) / 2).sum()),
        ap=float((np.diff(recall) * precision).sum()),
        best_f1=float((2 * hits / (called + real)).max()),
    )


def best_f1_of_either_polarity(hits: np.ndarray, misses: np.ndarray) -> float:
    """The best F1 over the thresholds, of what is above them or of what is below.

    Args:
        hits (np.ndarray): See :func:`curve_metrics`.
        misses (np.ndarray): See there.

    Returns:
        float: NaN unless both classes occur.
    """
    best = curve_metrics(hits, misses)['best_f1']
    if math.isnan(best):
        return best
    below, wrong = hits[-1] - np.append(0, hits), misses[-1] - np.append(0, misses)
    return max(best, float((2 * below / (below + wrong + hits[-1])).max()))
