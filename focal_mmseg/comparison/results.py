"""The tables of a comparison, out of the metrics of each image and the logs of the trainings."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from focal_mmseg.datasets.degradations import NONE
from focal_mmseg.evaluation.averages import average_metrics, confidence_intervals
from focal_mmseg.evaluation.localisation import LOCALISATION_METRICS
from focal_mmseg.evaluation.operating import LEVEL, OPERATING_METRICS, OperatingCurve
from focal_mmseg.evaluation.paired import paired_difference
from focal_mmseg.evaluation.summary import MEAN_OF_SETS
from focal_mmseg.visualization import spikiness

from .table import OF_TRAINING, Column, Table

LAST_STEPS = 20
# The metrics of each image: by the model, and by the name of the set.
Results = Mapping[str, Mapping[str, Sequence[dict]]]


def means_table(results: Results, metrics: Sequence[str], pristine: str = 'exclude') -> Table:
    """Table 1's form: the metrics of each set, and the mean of the sets where there are several.

    A set for which a metric is not defined, as false alarms without pristine images, does not count in its mean. A
    model without one of the sets has no mean.

    Args:
        results (Results): Of the models.
        metrics (Sequence[str]): Names of ``LOCALISATION_METRICS``.
        pristine (str): See :func:`.average_metrics`. Defaults to ``'exclude'``.
    """
    names = _sets(results)
    groups = [*names, MEAN_OF_SETS] if len(names) > 1 else ['']
    means = np.array(
        [
            [[average_metrics(sets.get(name, []), pristine)[metric] for metric in metrics] for name in names]
            for sets in results.values()
        ]
    )
    if len(names) > 1:
        counts = ~np.isnan(means).all(0)
        summed = np.where(counts, means, 0.0).sum(1) / np.where(counts.any(0), counts.sum(0), math.nan)
        means = np.concatenate([means, summed[:, None]], 1)
    cells = dict(zip(results, means.reshape(len(results), -1).tolist(), strict=True))
    return Table('model', [Column(name, metric) for name in groups for metric in metrics], cells)


def operating_table(curves: Mapping[str, Mapping[str, OperatingCurve]]) -> Table:
    """What each model finds of each set where one threshold keeps false alarms at 5 %, and the area up to 10 %.

    Args:
        curves (Mapping[str, Mapping[str, OperatingCurve]]): By the model, and by the name of the set; a set without
            both forged and pristine images has none.
    """
    names = _sets(curves)
    columns = [Column(name, f'operating_{metric}') for name in names for metric in OPERATING_METRICS]
    cells = {model: [value for name in names for value in _operating(sets.get(name))] for model, sets in curves.items()}
    return Table('model', columns, cells)


def _operating(curve: OperatingCurve | None) -> list[float]:
    if curve is None:
        return [math.nan] * len(OPERATING_METRICS)
    found = curve.metrics_at(LEVEL) | dict(area=curve.area)
    return [found[name] for name in OPERATING_METRICS]


def degradations_table(
    clean: Mapping[str, Mapping[str, float]],
    degraded: Mapping[str, Mapping[str, Mapping[str, float]]],
    metrics: Sequence[str],
) -> Table:
    """The metrics of each model on images as they are, and under each degradation.

    Args:
        clean (Mapping[str, Mapping[str, float]]): Means of :func:`average_over_sets`, by the model.
        degraded (Mapping[str, Mapping[str, Mapping[str, float]]]): The same, by the model and the degradation.
        metrics (Sequence[str]): Names of ``LOCALISATION_METRICS``.
    """
    names = _sets(degraded)
    cells = {}
    for model, own in degraded.items():
        means = [clean.get(model, {}), *(own.get(name, {}) for name in names)]
        cells[model] = [each.get(metric, math.nan) for each in means for metric in metrics]
    return Table('model', [Column(name, metric) for name in (NONE, *names) for metric in metrics], cells)


def average_over_sets(rows: Sequence[dict], pristine: str = 'exclude') -> dict[str, float]:
    """The mean of each metric over the sets that define it, each counting once, whatever its size.

    Args:
        rows (Sequence[dict]): A image each, with its ``dataset``.
        pristine (str): See :func:`.average_metrics`. Defaults to ``'exclude'``.

    Returns:
        dict[str, float]: NaN where no image defines a metric.
    """
    by_set: dict[str, list[dict]] = {}
    for row in rows:
        by_set.setdefault(row['dataset'], []).append(row)
    each = [average_metrics(own, pristine) for own in by_set.values()]
    defined = {name: [means[name] for means in each if not math.isnan(means[name])] for name in LOCALISATION_METRICS}
    return {name: sum(values) / len(values) if values else math.nan for name, values in defined.items()}


def intervals_table(
    results: Results, trainings: Mapping[str, Sequence[str]], each: Results, metric: str, pristine: str = 'exclude'
) -> Table:
    """One metric of each set with its 95 % interval over images, and the span of several trainings.

    Args:
        results (Results): Of the models.
        trainings (Mapping[str, Sequence[str]]): The names of a model's trainings.
        each (Results): Of the trainings.
        metric (str): A name of ``LOCALISATION_METRICS``.
        pristine (str): See :func:`.average_metrics`. Defaults to ``'exclude'``.
    """
    names = _sets(results)
    cells: dict[str, list[float]] = {}
    notes: dict[str, list[str]] = {}
    for model, sets in results.items():
        cells[model] = [average_metrics(sets.get(name, []), pristine)[metric] for name in names]
        notes[model] = []
        for name in names:
            note = _interval(confidence_intervals(sets.get(name, []), pristine)[metric])
            own = [average_metrics(each[run].get(name, []), pristine)[metric] for run in trainings[model]]
            if len(own) > 1 and note:
                note += f', trainings {min(own):.3f} to {max(own):.3f}'
            notes[model].append(note)
    return Table('model', [Column(name, metric) for name in names], cells, notes)


def differences_table(results: Results, metric: str, pristine: str = 'exclude') -> Table:
    """How much higher one metric of the first model is than that of each other, with its 95 % interval.

    The images count as in :func:`means_table`.
    """
    names = _sets(results)
    first, *others = results
    cells: dict[str, list[float]] = {}
    notes: dict[str, list[str]] = {}
    for model in others:
        pairs = [(results[first].get(name, []), results[model].get(name, [])) for name in names]
        found = [paired_difference(*pair, metric, pristine) for pair in pairs]
        cells[model] = [mean for mean, _, _ in found]
        notes[model] = [_interval(ends) for _, *ends in found]
    return Table(f'{first} above', [Column(name, metric) for name in names], cells, notes)


def trainings_table(logs: Mapping[str, Sequence[Sequence[Mapping[str, float]]]]) -> Table:
    """How a model's loss ended, what a step cost, and how spiky the loss was; of several trainings their means.

    The last loss is the mean of the last ``LAST_STEPS`` that were logged, the seconds are a median. How spiky a loss
    is depends on how often it is logged, and of how many steps a value is the mean: compare those of one setting.

    Args:
        logs (Mapping[str, Sequence[Sequence[Mapping[str, float]]]]): Of :func:`.read_training_log`, those of each
            training of a model.
    """
    cells = {
        model: np.mean([_training_metrics(steps) for steps in runs], axis=0).tolist() for model, runs in logs.items()
    }
    return Table('training', [Column('', name) for name in OF_TRAINING], cells)


def _training_metrics(steps: Sequence[Mapping[str, float]]) -> list[float]:
    losses = [step['loss'] for step in steps]
    times = [step['time'] for step in steps if 'time' in step]
    last, seconds = np.mean(losses[-LAST_STEPS:]), np.median(times) if times else math.nan
    return [float(last), float(seconds), spikiness(losses)]


def _sets(results: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for sets in results.values() for name in sets))


def _interval(ends: Sequence[float]) -> str:
    return '' if math.isnan(ends[0]) else f'[{ends[0]:.3f}, {ends[1]:.3f}]'
