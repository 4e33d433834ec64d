"""Figures of many pictures: averaged, pooled, of the picture as a whole, with confidence intervals."""

import math
from collections.abc import Sequence
from dataclasses import fields

import numpy as np

from .picture_figures import FIGURES, OVERLAPS, Counts, curve_figures, ranking_figures

PRISTINE_RULES = ('paper', 'zero', 'left out')
COUNTS = tuple(each.name for each in fields(Counts))
# Steps of the score in the pooled ranking.
BINS = 256
LEVEL = 0.95


def require_pristine_rule(rule: str) -> None:
    """Refuse an unknown rule for pristine pictures.

    Raises:
        ValueError: If there is no such rule.
    """
    if rule not in PRISTINE_RULES:
        raise ValueError(f'pristine must be one of {PRISTINE_RULES}, got {rule!r}')


def values_of(rows: Sequence[dict], name: str, pristine: str) -> np.ndarray:
    """One figure of each picture.

    Args:
        rows (Sequence[dict]): See :func:`average`.
        name (str): A name of ``FIGURES``.
        pristine (str): See :func:`average`.

    Returns:
        np.ndarray: float64 of the rows' shape, NaN where a picture does not count.
    """
    values = np.array([row[name] for row in rows], float)
    if name in OVERLAPS and pristine != 'paper':
        values[[row['is_pristine'] for row in rows]] = 0.0 if pristine == 'zero' else math.nan
    return values


def average(rows: Sequence[dict], pristine: str = 'paper') -> dict[str, float]:
    """The mean of each figure over the pictures for which it is defined.

    Args:
        rows (Sequence[dict]): A picture each: its :func:`picture_figures`, and ``is_pristine``.
        pristine (str): How pictures with no forged pixel count in the F1s and the IoU: by the paper's rule (1 if
            nothing is called forged), as ``'zero'``, or ``'left out'``. Defaults to ``'paper'``.

    Returns:
        dict[str, float]: NaN where no picture defines a figure.

    Raises:
        ValueError: If there is no such rule.
    """
    require_pristine_rule(pristine)
    return {name: _mean(values_of(rows, name, pristine)) for name in FIGURES}


def _mean(values: np.ndarray) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else math.nan


def intervals(
    rows: Sequence[dict], pristine: str = 'paper', resamples: int = 1000, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Where 95 % of the averages lie if the pictures are drawn anew, with replacement (percentile bootstrap).

    Args:
        rows (Sequence[dict]): See :func:`average`.
        pristine (str): See :func:`average`.
        resamples (int): How often they are drawn. Defaults to 1000.
        seed (int): Defaults to 0.

    Returns:
        dict[str, tuple[float, float]]: NaN where no picture defines a figure.
    """
    require_pristine_rule(pristine)
    rng = np.random.default_rng(seed)
    return {name: interval_of(values_of(rows, name, pristine), resamples, rng) for name in FIGURES}


def interval_of(values: np.ndarray, resamples: int, rng: np.random.Generator) -> tuple[float, float]:
    """Where 95 % of the means of the values lie if they are drawn anew, with replacement (percentile bootstrap).

    Args:
        values (np.ndarray): float of shape (N,); NaN does not count.
        resamples (int): How often they are drawn.
        rng (np.random.Generator): Is advanced.

    Returns:
        tuple[float, float]: NaN where there is no value.
    """
    values = values[~np.isnan(values)]
    if not values.size:
        return math.nan, math.nan
    means = [values[rng.integers(values.size, size=values.size)].mean() for _ in range(resamples)]
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def ranking_of(score: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """How many forged and pristine pixels have each score, in steps of 1/256.

    Args:
        score (np.ndarray): float of shape (P,) in [0, 1].
        truth (np.ndarray): bool of shape (P,).

    Returns:
        np.ndarray: int64 of shape (2, 256), forged first, from the highest score to the lowest.
    """
    steps = BINS - 1 - np.clip((score * BINS).astype(np.int64), 0, BINS - 1)
    return np.stack([np.bincount(steps[which], minlength=BINS) for which in (truth, ~truth)])


def pooled(rows: Sequence[dict]) -> dict[str, float]:
    """The figures of all pixels of all pictures together.

    Args:
        rows (Sequence[dict]): A picture each: its :class:`Counts` by name, and ``ranking`` of :func:`ranking_of`.

    Returns:
        dict[str, float]: ``macro_f1``, ``forged_f1``, ``iou``, ``mcc`` from the counts; ``auc`` and ``ap`` of the score
        in steps of 1/256.
    """
    counts = sum((Counts(*(row[name] for name in COUNTS)) for row in rows), Counts(0, 0, 0, 0))
    ranking = np.sum([row['ranking'] for row in rows], axis=0, dtype=np.int64).cumsum(1)
    curve = curve_figures(*ranking)
    found = {name: float(getattr(counts, name)) for name in ('macro_f1', 'forged_f1', 'iou', 'mcc')}
    return found | {name: curve[name] for name in ('auc', 'ap')}


def of_pictures(rows: Sequence[dict]) -> dict[str, float]:
    """How well pictures are told apart as a whole, forged from pristine.

    Args:
        rows (Sequence[dict]): A picture each: ``image_score``, which ranks them, ``is_pristine``, and its
            :class:`Counts` by name: a picture is called forged if any of its pixels is.

    Returns:
        dict[str, float]: ``auc``, ``f1`` of the forged ones, ``accuracy``, ``balanced_accuracy``; NaN unless there are
        both.
    """
    rows = [row for row in rows if not math.isnan(row['image_score'])]
    score = np.array([row['image_score'] for row in rows], float)
    truth = np.array([not row['is_pristine'] for row in rows], bool)
    called = np.array([row['both'] + row['extra'] > 0 for row in rows], bool)
    counts = Counts.of(called, truth)
    if truth.all() or not truth.any():
        return dict.fromkeys(('auc', 'f1', 'accuracy', 'balanced_accuracy'), math.nan)
    sensitivity = counts.both / (counts.both + counts.missed)
    specificity = counts.neither / (counts.neither + counts.extra)
    return dict(
        auc=ranking_figures(score, truth)['auc'],
        f1=counts.forged_f1,
        accuracy=(counts.both + counts.neither) / len(rows),
        balanced_accuracy=(sensitivity + specificity) / 2,
    )
