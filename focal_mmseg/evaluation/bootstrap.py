"""Confidence intervals by drawing images anew, with replacement (percentile bootstrap)."""

import math
from collections.abc import Iterator

import numpy as np

LEVEL = 0.95
# Draws that are in memory together, of all images: 32 MB.
DRAWS_IN_MEMORY = 2**22


def draw_blocks(images: int, resamples: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Draw as many images as there are, again and again.

    Args:
        images (int): N.
        resamples (int): R, how often all of them are drawn.
        rng (np.random.Generator): Is advanced.

    Yields:
        np.ndarray: float64 of shape (r, N), how often each image was drawn: blocks whose r add up to R.
    """
    at_once = max(1, DRAWS_IN_MEMORY // max(1, images))
    for begin in range(0, resamples, at_once):
        rows = min(at_once, resamples - begin)
        drawn = rng.integers(max(1, images), size=(rows, images)) + images * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * images).reshape(rows, images).astype(float)


def percentile_interval(drawn: np.ndarray) -> tuple[float, float]:
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


def bootstrap_interval(values: np.ndarray, resamples: int, rng: np.random.Generator) -> tuple[float, float]:
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
    means = [block @ values / values.size for block in draw_blocks(values.size, resamples, rng)]
    return percentile_interval(np.concatenate(means))
