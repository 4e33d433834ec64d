"""Confidence intervals by drawing pictures anew, with replacement (percentile bootstrap)."""

import math
from collections.abc import Iterator

import numpy as np

LEVEL = 0.95
# Draws that are in memory together, of all pictures: 32 MB.
TOGETHER = 2**22


def blocks_of_draws(pictures: int, resamples: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Draw as many pictures as there are, again and again.

    Args:
        pictures (int): N.
        resamples (int): R, how often all of them are drawn.
        rng (np.random.Generator): Is advanced.

    Yields:
        np.ndarray: float64 of shape (r, N), how often each picture was drawn: blocks whose r add up to R.
    """
    at_once = max(1, TOGETHER // max(1, pictures))
    for begin in range(0, resamples, at_once):
        rows = min(at_once, resamples - begin)
        drawn = rng.integers(max(1, pictures), size=(rows, pictures)) + pictures * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * pictures).reshape(rows, pictures).astype(float)


def ends_of(drawn: np.ndarray) -> tuple[float, float]:
    """Where 95 % of the drawn values lie.

    Args:
        drawn (np.ndarray): float of shape (R,); NaN does not count.

    Returns:
        tuple[float, float]: NaN where there is no value.
    """
    drawn = drawn[~np.isnan(drawn)]
    if not drawn.size:
        return math.nan, math.nan
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def interval_of(values: np.ndarray, resamples: int, rng: np.random.Generator) -> tuple[float, float]:
    """Where 95 % of the means of the values lie if they are drawn anew, with replacement.

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
    means = [block @ values / values.size for block in blocks_of_draws(values.size, resamples, rng)]
    return ends_of(np.concatenate(means))
