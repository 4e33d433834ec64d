"""One model trained several times, and two models on the same images."""

import math
from collections.abc import Sequence

import numpy as np

from .averages import EXCLUDE, metric_values, require_pristine_rule
from .bootstrap import bootstrap_interval
from .localisation import LOCALISATION_METRICS


def average_trainings(trainings: Sequence[Sequence[dict]]) -> list[dict]:
    """The mean of each image's metrics over the trainings of one model.

    Args:
        trainings (Sequence[Sequence[dict]]): For each training a row an image, with the :func:`localisation_metrics`.

    Returns:
        list[dict]: A row for each image that all of them have, in the order of the first. A metric that depends on
        what was found, as ``found_f1``, is the mean over the trainings that define it.
    """
    by_image = [{(row['dataset'], row['image']): row for row in rows} for rows in trainings]
    shared = [key for key in by_image[0] if all(key in rows for rows in by_image)]
    return [
        by_image[0][key] | {name: _mean([rows[key][name] for rows in by_image]) for name in LOCALISATION_METRICS}
        for key in shared
    ]


def _mean(values: Sequence[float]) -> float:
    defined = [value for value in values if not math.isnan(value)]
    return float(np.mean(defined)) if defined else math.nan


def paired_difference(
    rows: Sequence[dict],
    others: Sequence[dict],
    metric: str,
    pristine: str = EXCLUDE,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float, float]:
    """How much higher a metric is than another model's, over the images that define it for both.

    Args:
        rows (Sequence[dict]): An image each, of one model.
        others (Sequence[dict]): The same of the other.
        metric (str): A name of ``LOCALISATION_METRICS``.
        pristine (str): See :func:`.averages.average_metrics`. Defaults to ``'exclude'``.
        resamples (int): Of the bootstrap. Defaults to 1000.
        seed (int): Defaults to 0.

    Returns:
        tuple[float, float, float]: The mean difference, and the ends of the interval with 95 % of the means if the
        images are drawn anew, with replacement; NaN where no image defines the metric for both.

    Raises:
        ValueError: If there is no such rule for pristine images.
    """
    require_pristine_rule(pristine)
    ours, theirs = (_image_metrics(each, metric, pristine) for each in (rows, others))
    gains = np.array([value - theirs.get(key, math.nan) for key, value in ours.items()], float)
    ends = bootstrap_interval(gains, resamples, np.random.default_rng(seed))
    return (math.nan if math.isnan(ends[0]) else float(np.nanmean(gains)), *ends)


def _image_metrics(rows: Sequence[dict], metric: str, pristine: str) -> dict[tuple[str, str], float]:
    keys = [(row['dataset'], row['image']) for row in rows]
    return dict(zip(keys, metric_values(rows, metric, pristine).tolist(), strict=True))
