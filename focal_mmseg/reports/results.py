"""The tables of a comparison, out of the figures of each picture."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from focal_mmseg.evaluation.averages import average, intervals
from focal_mmseg.evaluation.paired import difference
from focal_mmseg.evaluation.summary import MEAN_OF_SETS

from .tables import Column, Table

# The figures of each picture: by the model, and by the name of the set.
Results = Mapping[str, Mapping[str, Sequence[dict]]]


def means_table(results: Results, figures: Sequence[str]) -> Table:
    """Table 1's form: the figures of each set, and the mean of the sets where there are several.

    Overlaps are of forged pictures alone, false alarms of pristine ones. A model without one of the sets has no mean.
    """
    names = _sets(results)
    groups = [*names, MEAN_OF_SETS] if len(names) > 1 else ['']
    cells = {}
    for model, sets in results.items():
        means = np.array([[average(sets.get(name, []), 'left out')[figure] for figure in figures] for name in names])
        cells[model] = np.concatenate([means, means.mean(0, keepdims=True)] if len(names) > 1 else [means]).ravel()
    return Table('model', [Column(name, figure) for name in groups for figure in figures], cells)


def intervals_table(results: Results, trainings: Mapping[str, Sequence[str]], each: Results, figure: str) -> Table:
    """One figure of each set with its 95 % interval over pictures, and the span of several trainings.

    Args:
        results (Results): Of the models.
        trainings (Mapping[str, Sequence[str]]): The names of a model's trainings.
        each (Results): Of the trainings.
        figure (str): A name of ``FIGURES``.
    """
    names = _sets(results)
    cells, notes = {}, {}
    for model, sets in results.items():
        cells[model] = [average(sets.get(name, []), 'left out')[figure] for name in names]
        notes[model] = []
        for name in names:
            note = _interval(intervals(sets.get(name, []), 'left out')[figure])
            own = [average(each[run].get(name, []), 'left out')[figure] for run in trainings[model]]
            if len(own) > 1 and note:
                note += f', trainings {min(own):.3f} to {max(own):.3f}'
            notes[model].append(note)
    return Table('model', [Column(name, figure) for name in names], cells, notes)


def differences_table(results: Results, figure: str) -> Table:
    """How much higher one figure of the first model is than that of each other, with its 95 % interval.

    The pictures count as in :func:`means_table`.
    """
    names = _sets(results)
    first, *others = results
    cells, notes = {}, {}
    for model in others:
        pairs = [(results[first].get(name, []), results[model].get(name, [])) for name in names]
        found = [difference(*pair, figure, 'left out') for pair in pairs]
        cells[model] = [mean for mean, _, _ in found]
        notes[model] = [_interval(ends) for _, *ends in found]
    return Table(f'{first} above', [Column(name, figure) for name in names], cells, notes)


def _sets(results: Results) -> list[str]:
    return list(dict.fromkeys(name for sets in results.values() for name in sets))


def _interval(ends: Sequence[float]) -> str:
    return '' if math.isnan(ends[0]) else f'[{ends[0]:.3f}, {ends[1]:.3f}]'
