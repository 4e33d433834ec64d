"""Metrics of each image, averaged over many, with confidence intervals."""

import math
from collections.abc import Sequence

import numpy as np

from .bootstrap import draw_blocks, percentile_interval
from .localisation import LOCALISATION_METRICS, OVERLAP_METRICS

EXCLUDE = 'exclude'
PRISTINE_RULES = (EXCLUDE, 'paper', 'zero')


def require_pristine_rule(rule: str) -> None:
    """Refuse an unknown rule for pristine images.

    Raises:
        ValueError: If there is no such rule.
    """
    if rule not in PRISTINE_RULES:
        raise ValueError(f'pristine must be one of {PRISTINE_RULES}, got {rule!r}')


def metric_values(rows: Sequence[dict], name: str, pristine: str = EXCLUDE) -> np.ndarray:
    """One metric of each image.

    Args:
        rows (Sequence[dict]): See :func:`average_metrics`.
        name (str): A name of ``LOCALISATION_METRICS``.
        pristine (str): See :func:`average_metrics`.

    Returns:
        np.ndarray: float64 of the rows' shape, NaN where an image does not count.
    """
    values = np.array([row[name] for row in rows], float)
    if name in OVERLAP_METRICS and pristine != 'paper':
        values[[row['is_pristine'] for row in rows]] = 0.0 if pristine == 'zero' else math.nan
    return values


def average_metrics(rows: Sequence[dict], pristine: str = EXCLUDE) -> dict[str, float]:
    """The mean of each metric over the images for which it is defined.

    By default no mean mixes forged and pristine images: ``false_alarm`` is of the pristine ones, all else of the forged
    ones.

    Args:
        rows (Sequence[dict]): An image each: its :func:`localisation_metrics`, and ``is_pristine``.
        pristine (str): How images with no forged pixel count in the F1s and the IoU: not at all (``'exclude'``), by the
            ``'paper'``'s rule (1 if nothing is called forged, else the value of the formula), or as ``'zero'``.
            Defaults to ``'exclude'``.

    Returns:
        dict[str, float]: NaN where no image defines a metric.

    Raises:
        ValueError: If there is no such rule.

    Example:
        >>> import numpy as np
        >>> from focal_mmseg.evaluation import average_metrics, localisation_metrics
        >>> score = np.array([[0.9, 0.8], [0.2, 0.1]])
        >>> forged = localisation_metrics(score > 0.5, score, np.array([[True, True], [True, False]]))
        >>> pristine = localisation_metrics(score > 0.5, score, np.zeros((2, 2), bool))
        >>> means = average_metrics([forged | dict(is_pristine=False), pristine | dict(is_pristine=True)])
        >>> round(means['iou'], 3), means['false_alarm']
        (0.667, 0.5)
    """
    require_pristine_rule(pristine)
    return {name: _mean(metric_values(rows, name, pristine)) for name in LOCALISATION_METRICS}


def _mean(values: np.ndarray) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else math.nan


def confidence_intervals(
    rows: Sequence[dict], pristine: str = EXCLUDE, resamples: int = 1000, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Where 95 % of the averages lie if the images are drawn anew, with replacement (percentile bootstrap).

    Args:
        rows (Sequence[dict]): See :func:`average_metrics`.
        pristine (str): See :func:`average_metrics`.
        resamples (int): How often they are drawn. Defaults to 1000.
        seed (int): Defaults to 0.

    Returns:
        dict[str, tuple[float, float]]: NaN where no image defines a metric.

    Raises:
        ValueError: If there is no such rule.
    """
    require_pristine_rule(pristine)
    draws = draw_blocks(len(rows), resamples, np.random.default_rng(seed))
    drawn = [resampled_averages(rows, pristine, block) for block in draws]
    return {name: percentile_interval(np.concatenate([each[name] for each in drawn])) for name in LOCALISATION_METRICS}


def resampled_averages(rows: Sequence[dict], pristine: str, draws: np.ndarray) -> dict[str, np.ndarray]:
    """The averages of images that are drawn anew.

    Args:
        rows (Sequence[dict]): See :func:`average_metrics`, N of them.
        pristine (str): See :func:`average_metrics`.
        draws (np.ndarray): float64 of shape (R, N): how often each image is drawn.

    Returns:
        dict[str, np.ndarray]: float64 of shape (R,), NaN where no image that is drawn defines a metric.
    """
    values = np.stack([metric_values(rows, name, pristine) for name in LOCALISATION_METRICS], 1)
    defined = ~np.isnan(values)
    totals, numbers = draws @ np.where(defined, values, 0), draws @ defined.astype(float)
    means = np.divide(totals, numbers, out=np.full_like(totals, math.nan), where=numbers > 0)
    return dict(zip(LOCALISATION_METRICS, means.T, strict=True))
