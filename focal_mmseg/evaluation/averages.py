"""Figures of each picture, averaged over many, with confidence intervals."""

import math
from collections.abc import Sequence

import numpy as np

from .bootstrap import blocks_of_draws, ends_of
from .picture_figures import FIGURES, OVERLAPS

PRISTINE_RULES = ('paper', 'zero', 'left out')


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
    draws = blocks_of_draws(len(rows), resamples, np.random.default_rng(seed))
    drawn = [averages_of_draws(rows, pristine, block) for block in draws]
    return {name: ends_of(np.concatenate([each[name] for each in drawn])) for name in FIGURES}


def averages_of_draws(rows: Sequence[dict], pristine: str, draws: np.ndarray) -> dict[str, np.ndarray]:
    """The averages of pictures that are drawn anew.

    Args:
        rows (Sequence[dict]): See :func:`average`, N of them.
        pristine (str): See :func:`average`.
        draws (np.ndarray): float64 of shape (R, N): how often each picture is drawn.

    Returns:
        dict[str, np.ndarray]: float64 of shape (R,), NaN where no picture that is drawn defines a figure.
    """
    values = np.stack([values_of(rows, name, pristine) for name in FIGURES], 1)
    defined = ~np.isnan(values)
    totals, numbers = draws @ np.where(defined, values, 0), draws @ defined.astype(float)
    means = np.divide(totals, numbers, out=np.full_like(totals, math.nan), where=numbers > 0)
    return dict(zip(FIGURES, means.T, strict=True))
