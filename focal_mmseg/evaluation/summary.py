"""All figures of a test: each group of pictures, and the mean of the sets, as tables for people and for programs."""

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prettytable import PrettyTable, TableStyle

from focal_mmseg.utils import written_whole

from .averages import average, intervals, of_pictures, pooled
from .picture_figures import FIGURES
from .rows import group

MEAN_OF_SETS = 'mean of sets'
SUMMARIES = ('summary.json', 'summary.csv', 'summary.md')
HEADINGS = {
    'macro_f1': 'macro F1',
    'forged_f1': 'forged F1',
    'best_f1': 'best F1',
    'permuted_f1': 'permuted F1',
    'border_f1': 'border F1',
    'iou': 'IoU',
    'mcc': 'MCC',
    'auc': 'AUC',
    'ap': 'AP',
    'false_alarm': 'false alarms',
}
# What the screen shows; the files have all.
SHOWN = ('macro_f1', 'forged_f1', 'iou', 'auc', 'false_alarm')


@dataclass(frozen=True)
class GroupFigures:
    """The figures of a group of pictures.

    Attributes:
        name (str): '' for all pictures, ``<set>``, ``<set>/<kind>`` or ``MEAN_OF_SETS``.
        pictures (int): How many.
        values (dict[str, float]): Averages by the names of ``FIGURES``, then ``pooled_*`` and ``image_*``. NaN where a
            figure is not defined.
        bounds (dict[str, tuple[float, float]]): Confidence intervals of the averages; empty without resampling.
    """

    name: str
    pictures: int
    values: dict[str, float]
    bounds: dict[str, tuple[float, float]]


def summarise(rows: Sequence[dict], pristine: str = 'paper', resamples: int = 0) -> list[GroupFigures]:
    """All figures of all groups.

    Args:
        rows (Sequence[dict]): A picture each, as ForgeryMetric keeps them.
        pristine (str): See :func:`average`.
        resamples (int): For the confidence intervals; 0 goes without. Defaults to 0.

    Returns:
        list[GroupFigures]: All pictures, each set, each kind in a set, and the mean of the sets where there are
        several.
    """
    found = []
    for name, members in group(rows).items():
        values = average(members, pristine)
        values |= {f'pooled_{key}': value for key, value in pooled(members).items()}
        values |= {f'image_{key}': value for key, value in of_pictures(members).items()}
        bounds = intervals(members, pristine, resamples) if resamples else {}
        found.append(GroupFigures(name, len(members), values, bounds))
    sets = [each for each in found if each.name and '/' not in each.name]
    if len({row['dataset'] for row in rows}) > 1:
        found.append(GroupFigures(MEAN_OF_SETS, len(rows), _mean_of(sets), {}))
    return found


def _mean_of(groups: Sequence[GroupFigures]) -> dict[str, float]:
    """Each set counts once, whatever its size, as in the mean columns of the papers."""
    means = {}
    for name in groups[0].values:
        values = [each.values[name] for each in groups if not math.isnan(each.values[name])]
        means[name] = sum(values) / len(values) if values else math.nan
    return means


def table(groups: Sequence[GroupFigures]) -> PrettyTable:
    """A row a group: the figures most papers print."""
    drawn = PrettyTable(('pictures', 'number', *(HEADINGS[name] for name in SHOWN)))
    for each in groups:
        drawn.add_row((each.name or 'all', each.pictures, *(_cell(each.values[name]) for name in SHOWN)))
    return drawn


def _cell(value: float, bounds: tuple[float, float] | None = None) -> str:
    if math.isnan(value):
        return '-'
    return f'{value:.3f}' + (f' [{bounds[0]:.3f}, {bounds[1]:.3f}]' if bounds else '')


def write_summary(folder: Path, groups: Sequence[GroupFigures]) -> None:
    """Write ``summary.json``, ``summary.csv`` (all figures) and ``summary.md`` (averages with their intervals)."""
    records = [
        dict(name=each.name or 'all', pictures=each.pictures, **_plain(each.values))
        | {f'{name}_{end}': value for name, pair in each.bounds.items() for end, value in _plain(_ends(pair)).items()}
        for each in groups
    ]
    with written_whole(folder / 'summary.json') as part:
        part.write_text(json.dumps(records, indent=2) + '\n', encoding='utf-8')
    columns = list(dict.fromkeys(name for record in records for name in record))
    with written_whole(folder / 'summary.csv') as part, part.open('w', newline='', encoding='utf-8') as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(records)
    drawn = PrettyTable(('pictures', 'number', *(HEADINGS[name] for name in FIGURES)))
    drawn.set_style(TableStyle.MARKDOWN)
    for each in groups:
        cells = (_cell(each.values[name], each.bounds.get(name)) for name in FIGURES)
        drawn.add_row((each.name or 'all', each.pictures, *cells))
    with written_whole(folder / 'summary.md') as part:
        part.write_text(f'{drawn}\n', encoding='utf-8')


def _ends(pair: tuple[float, float]) -> dict[str, float]:
    return dict(zip(('low', 'high'), pair, strict=True))


def _plain(values: dict[str, float]) -> dict[str, float | None]:
    """Not defined is None: NaN is no JSON."""
    return {name: None if math.isnan(value) else value for name, value in values.items()}
