"""All figures of a test: each group of pictures, and the mean of the sets, as tables for people and for programs."""

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from prettytable import PrettyTable, TableStyle

from focal_mmseg.utils import written_whole

from .averages import average, averages_of_draws
from .bootstrap import blocks_of_draws, ends_of
from .operating import operating, operating_of_draws
from .picture_figures import FIGURES
from .pooling import POOLED, pooled, pooled_of_draws
from .rows import Group, group
from .whole_pictures import WHOLE, of_draws, of_pictures

MEAN_OF_SETS = 'mean of sets'
SUMMARIES = ('summary.json', 'summary.csv', 'summary.md')
CURVES_FILE = 'operating.csv'
HEADINGS = {
    'macro_f1': 'macro F1',
    'forged_f1': 'forged F1',
    'best_f1': 'best F1',
    'permuted_f1': 'permuted F1',
    'border_f1': 'border F1',
    'border_permuted_f1': 'border permuted F1',
    'border_best_f1': 'border best F1',
    'iou': 'IoU',
    'mcc': 'MCC',
    'auc': 'AUC',
    'ap': 'AP',
    'nothing_found': 'nothing found',
    'found_f1': 'F1 where found',
    'false_alarm': 'false alarms',
}
# Figures of all pixels together, of pictures as a whole, and of one threshold that false alarms set.
TOGETHER = {f'pooled_{name}': f'pooled {HEADINGS[name]}' for name in POOLED} | {
    f'image_{name}': f'image {heading}'
    for name, heading in zip(
        WHOLE, ('AUC', 'F1', 'accuracy', 'balanced accuracy', 'sensitivity', 'false alarms'), strict=True
    )
}
TOGETHER |= {
    'operating_iou': 'IoU at 5 % false alarms',
    'operating_forged_f1': 'forged F1 at 5 % false alarms',
    'operating_sensitivity': 'image sensitivity at 5 % false alarms',
    'operating_area': 'mean IoU up to 10 % false alarms',
}
# What the screen shows; the files have all.
SHOWN = ('macro_f1', 'forged_f1', 'iou', 'auc', 'false_alarm')
SHOWN_TOGETHER = (
    'operating_iou',
    'pooled_forged_f1',
    'pooled_iou',
    'pooled_auc',
    'image_auc',
    'image_f1',
    'image_balanced_accuracy',
)


@dataclass(frozen=True)
class GroupFigures:
    """The figures of a group of pictures.

    Attributes:
        name (str): '' for all pictures, ``<set>``, ``<set>/<kind>`` or ``MEAN_OF_SETS``.
        pictures (int): How many.
        values (dict[str, float]): Averages by the names of ``FIGURES``, then ``pooled_*``, ``image_*`` and
            ``operating_*``. NaN where a
            figure is not defined.
        bounds (dict[str, tuple[float, float]]): Confidence intervals of the values; empty without resampling.
    """

    name: str
    pictures: int
    values: dict[str, float]
    bounds: dict[str, tuple[float, float]]


@dataclass(frozen=True)
class Counting:
    """How pictures count.

    Attributes:
        pristine (str): See :func:`.averages.average`.
        image_threshold (float | None): See :func:`.whole_pictures.of_pictures`.
    """

    pristine: str = 'paper'
    image_threshold: float | None = None

    def values(self, rows: Sequence[dict]) -> dict[str, float]:
        """All figures of some pictures."""
        return _named(
            average(rows, self.pristine), pooled(rows), of_pictures(rows, self.image_threshold), operating(rows)
        )

    def drawn(self, rows: Sequence[dict], draws: np.ndarray) -> dict[str, np.ndarray]:
        """The same of pictures that are drawn anew, (R,) by name, by draws (R, N)."""
        return _named(
            averages_of_draws(rows, self.pristine, draws),
            pooled_of_draws(rows, draws),
            of_draws(rows, self.image_threshold, draws),
            operating_of_draws(rows, draws),
        )


def _named(averages: dict, together: dict, images: dict, at_level: dict) -> dict:
    return (
        averages
        | {f'pooled_{name}': value for name, value in together.items()}
        | {f'image_{name}': value for name, value in images.items()}
        | {f'operating_{name}': value for name, value in at_level.items()}
    )


def summarise(
    rows: Sequence[dict], pristine: str = 'paper', resamples: int = 0, image_threshold: float | None = None
) -> list[GroupFigures]:
    """All figures of all groups.

    Args:
        rows (Sequence[dict]): A picture each, as ForgeryMetric keeps them.
        pristine (str): See :func:`average`.
        resamples (int): For the confidence intervals; 0 goes without. Defaults to 0. For the mean of the sets the
            pictures of each set are drawn anew.
        image_threshold (float, optional): See :func:`of_pictures`. Defaults to None.

    Returns:
        list[GroupFigures]: All pictures, each set, each kind in a set, and the mean of the sets where there are
        several.
    """
    counting, rng = Counting(pristine, image_threshold), np.random.default_rng(0)
    found, sets, drawn_sets = [], [], []
    for each in group(rows):
        drawn = _drawn(each, counting, resamples, rng) if resamples else {}
        bounds = {name: ends_of(values) for name, values in drawn.items()}
        found.append(GroupFigures(each.name, len(each.rows), counting.values(each.rows), bounds))
        if each.is_set:
            sets.append(found[-1].values)
            drawn_sets.append(drawn)
    if sets:
        bounds = {name: ends_of(values) for name, values in _mean_of(drawn_sets).items()}
        means = {name: float(value) for name, value in _mean_of(sets).items()}
        found.append(GroupFigures(MEAN_OF_SETS, len(rows), means, bounds))
    return found


def _drawn(members: Group, counting: Counting, resamples: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Each figure of the pictures drawn anew, float64 of shape (resamples,)."""
    blocks = [counting.drawn(members.rows, draws) for draws in blocks_of_draws(len(members.rows), resamples, rng)]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def _mean_of(sets: Sequence[dict[str, float | np.ndarray]]) -> dict[str, np.ndarray]:
    """Each set that defines a figure counts once, whatever its size, as in the mean columns of the papers."""
    means = {}
    for name in sets[0]:
        values = np.stack([each[name] for each in sets])
        defined = ~np.isnan(values)
        total, number = np.where(defined, values, 0).sum(0), defined.sum(0)
        means[name] = np.divide(total, number, out=np.full_like(total, math.nan), where=number > 0)
    return means


def tables(groups: Sequence[GroupFigures]) -> list[PrettyTable]:
    """For the screen, a row a group: the figures most papers print, and some of the pixels and pictures together."""
    shown = {name: HEADINGS[name] for name in SHOWN}, {name: TOGETHER[name] for name in SHOWN_TOGETHER}
    return [_table(groups, columns, with_bounds=False) for columns in shown]


def _table(groups: Sequence[GroupFigures], columns: dict[str, str], with_bounds: bool) -> PrettyTable:
    """A row a group."""
    drawn = PrettyTable(('pictures', 'number', *columns.values()))
    for each in groups:
        cells = (_cell(each.values[name], each.bounds.get(name) if with_bounds else None) for name in columns)
        drawn.add_row((each.name or 'all', each.pictures, *cells))
    return drawn


def _cell(value: float, bounds: tuple[float, float] | None = None) -> str:
    if math.isnan(value):
        return '-'
    return f'{value:.3f}' + (f' [{bounds[0]:.3f}, {bounds[1]:.3f}]' if bounds else '')


def write_summary(folder: Path, groups: Sequence[GroupFigures]) -> None:
    """Write ``summary.json``, ``summary.csv`` (all figures) and ``summary.md`` (with their intervals)."""
    records = [
        dict(name=each.name or 'all', pictures=each.pictures, **_plain(each.values))
        | {f'{name}_{end}': value for name, pair in each.bounds.items() for end, value in _plain(_ends(pair)).items()}
        for each in groups
    ]
    with written_whole(folder / 'summary.json') as part:
        part.write_text(json.dumps(records, indent=2) + '\n', encoding='utf-8')
    columns = list(dict.fromkeys(name for record in records for name in record))
    with (
        written_whole(folder / 'summary.csv') as part,
        part.open('w', newline='', encoding='utf-8', errors='surrogateescape') as file,
    ):
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(records)
    columns = {name: HEADINGS[name] for name in FIGURES}, TOGETHER
    drawn = [_table(groups, each, with_bounds=True) for each in columns]
    for each in drawn:
        each.set_style(TableStyle.MARKDOWN)
    with written_whole(folder / 'summary.md') as part:
        part.write_text('\n\n'.join(map(str, drawn)) + '\n', encoding='utf-8', errors='surrogateescape')


def _ends(pair: tuple[float, float]) -> dict[str, float]:
    return dict(zip(('low', 'high'), pair, strict=True))


def _plain(values: dict[str, float]) -> dict[str, float | None]:
    """Not defined is None: NaN is no JSON."""
    return {name: None if math.isnan(value) else value for name, value in values.items()}
