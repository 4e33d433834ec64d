"""Metrics of all pixels of many images together, out of what is kept of each."""

import math
from collections.abc import Sequence
from dataclasses import asdict, fields

import numpy as np

from .counts import Counts
from .ranking import curve_metrics

OFF_BORDER = 'border_'
PARTS = tuple(each.name for each in fields(Counts))
# What is kept of an image: its counts, and those without the band around the border.
COUNT_COLUMNS = (*PARTS, *(f'{OFF_BORDER}{name}' for name in PARTS))
# Steps of the score: fine in it, and in its logit, so that scores crowded at 0 or 1 are told apart.
SCORE_STEPS, LOGIT_STEPS = 256, 16
LEAST_LOGIT, MOST_LOGIT = -30, 18
BINS = SCORE_STEPS + LOGIT_STEPS * (MOST_LOGIT - LEAST_LOGIT)
COUNT_METRICS = ('macro_f1', 'forged_f1', 'permuted_f1', 'iou', 'mcc')
POOLED_METRICS = (*COUNT_METRICS, 'border_f1', 'border_permuted_f1', 'best_f1', 'auc', 'ap')


def count_columns(counts: Counts, off_border: Counts) -> dict[str, int]:
    """``COUNT_COLUMNS`` by name, of one image."""
    return asdict(counts) | {f'{OFF_BORDER}{name}': number for name, number in asdict(off_border).items()}


def score_histogram(score: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """How many forged and pristine pixels have each score, in ``BINS`` steps.

    A step is at most 1/256 of the score and 1/16 of its logit, between -30 and 18, beyond which a float32 next to 1
    has no digits. Those of several images are added.

    Args:
        score (np.ndarray): float of shape (P,) in [0, 1].
        truth (np.ndarray): bool of shape (P,).

    Returns:
        np.ndarray: int32 of shape (2, BINS), forged first, from the highest score to the lowest.
    """
    with np.errstate(divide='ignore'):
        logit = (np.log(score) - np.log1p(-score)).clip(LEAST_LOGIT, MOST_LOGIT)
    place = SCORE_STEPS * score + LOGIT_STEPS * (logit - LEAST_LOGIT)
    steps = BINS - 1 - np.clip(place.astype(np.int64), 0, BINS - 1)
    return np.stack([np.bincount(steps[which], minlength=BINS) for which in (truth, ~truth)]).astype(np.int32)


def pooled_metrics(rows: Sequence[dict]) -> dict[str, float]:
    """The metrics of all pixels of all images together.

    Args:
        rows (Sequence[dict]): An image each: its ``COUNT_COLUMNS`` by name, and the ``histogram`` that
            :func:`score_histogram` gives.

    Returns:
        dict[str, float]: ``POOLED_METRICS`` by name, NaN where one is not defined; ``auc``, ``ap`` and ``best_f1`` are
        of the score in steps.
    """
    counts = np.array([[row[name] for name in COUNT_COLUMNS] for row in rows], np.int64)
    return _metrics(counts.sum(0), np.asarray(np.sum([row['histogram'] for row in rows], axis=0, dtype=np.int64)))


def resampled_pooled_metrics(rows: Sequence[dict], draws: np.ndarray) -> dict[str, np.ndarray]:
    """The same of images that are drawn anew.

    Args:
        rows (Sequence[dict]): See :func:`pooled`, N of them.
        draws (np.ndarray): float64 of shape (R, N): how often each image is drawn.

    Returns:
        dict[str, np.ndarray]: float64 of shape (R,), by the names of ``POOLED_METRICS``.
    """
    counts = draws @ np.array([[row[name] for name in COUNT_COLUMNS] for row in rows], float)
    # Half the memory and time; the ends of an interval need no more digits.
    histograms = draws.astype(np.float32) @ np.array([row['histogram'].ravel() for row in rows], np.float32)
    found = [_metrics(*each) for each in zip(counts, histograms.astype(float).reshape(-1, 2, BINS), strict=True)]
    return {name: np.array([each[name] for each in found]) for name in POOLED_METRICS}


def _metrics(counts: np.ndarray, histogram: np.ndarray) -> dict[str, float]:
    """``POOLED_METRICS`` from the sums of the counts (8,) and of the histograms (2, BINS)."""
    every, off_border = (Counts(*map(int, each)) for each in np.split(counts, 2))
    found = {name: getattr(every, name) for name in COUNT_METRICS}
    for name in ('forged_f1', 'permuted_f1'):
        value = getattr(off_border, name) if off_border != Counts(0, 0, 0, 0) else math.nan
        found[f'{OFF_BORDER}{name.removeprefix("forged_")}'] = value
    found |= curve_metrics(*histogram.cumsum(1))
    return {name: float(found[name]) for name in POOLED_METRICS}
