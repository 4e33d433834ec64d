"""One model trained several times, and two models on the same pictures."""

import math
from collections.abc import Sequence

import numpy as np

from .averages import require_pristine_rule, values_of
from .bootstrap import interval_of
from .picture_figures import FIGURES


def over_trainings(trainings: Sequence[Sequence[dict]]) -> list[dict]:
    """The mean of each picture's figures over the trainings of one model.

    Args:
        trainings (Sequence[Sequence[dict]]): For each training a row a picture, with the :func:`picture_figures`.

    Returns:
        list[dict]: A row for each picture that all of them have, in the order of the first. A figure that depends on
        what was found, as ``found_f1``, is the mean over the trainings that define it.
    """
    by_picture = [{(row['dataset'], row['picture']): row for row in rows} for rows in trainings]
    shared = [key for key in by_picture[0] if all(key in rows for rows in by_picture)]
    return [
        by_picture[0][key] | {name: _mean([rows[key][name] for rows in by_picture]) for name in FIGURES}
        for key in shared
    ]


def _mean(values: Sequence[float]) -> float:
    defined = [value for value in values if not math.isnan(value)]
    return float(np.mean(defined)) if defined else math.nan


def difference(
    rows: Sequence[dict],
    others: Sequence[dict],
    figure: str,
    pristine: str = 'paper',
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float, float]:
    """How much higher a figure is than another model's, over the pictures that define it for both.

    Args:
        rows (Sequence[dict]): A picture each, of one model.
        others (Sequence[dict]): The same of the other.
        figure (str): A name of ``FIGURES``.
        pristine (str): See :func:`.averages.average`. Defaults to ``'paper'``.
        resamples (int): Of the bootstrap. Defaults to 1000.
        seed (int): Defaults to 0.

    Returns:
        tuple[float, float, float]: The mean difference, and the ends of the interval with 95 % of the means if the
        pictures are drawn anew, with replacement; NaN where no picture defines the figure for both.

    Raises:
        ValueError: If there is no such rule for pristine pictures.
    """
    require_pristine_rule(pristine)
    ours, theirs = (_by_picture(each, figure, pristine) for each in (rows, others))
    gains = np.array([value - theirs.get(key, math.nan) for key, value in ours.items()], float)
    ends = interval_of(gains, resamples, np.random.default_rng(seed))
    return (math.nan if math.isnan(ends[0]) else float(np.nanmean(gains)), *ends)


def _by_picture(rows: Sequence[dict], figure: str, pristine: str) -> dict[tuple[str, str], float]:
    keys = [(row['dataset'], row['picture']) for row in rows]
    return dict(zip(keys, values_of(rows, figure, pristine).tolist(), strict=True))
