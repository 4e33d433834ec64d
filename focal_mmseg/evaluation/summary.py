"""All metrics of a test: each group of images, and the mean of the sets, as values and as tables for people."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from prettytable import PrettyTable

from focal_mmseg.utils.tables import number_text, text_table

from .averages import EXCLUDE, average_metrics, resampled_averages
from .bootstrap import draw_blocks, percentile_interval
from .detection import DETECTION_METRICS, detection_metrics, resampled_detection_metrics
from .groups import Group, group_rows
from .localisation import LOCALISATION_METRICS
from .operating import operating_metrics, resampled_operating_metrics
from .pooling import POOLED_METRICS, pooled_metrics, resampled_pooled_metrics

MEAN_OF_SETS = 'mean of sets'
# Metrics of each image, averaged.
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
# Metrics of all pixels together, of images as a whole, and of one threshold that false alarms set.
SET_HEADINGS = {f'pooled_{name}': f'pooled {HEADINGS[name]}' for name in POOLED_METRICS} | {
    f'image_{name}': f'image {heading}'
    for name, heading in zip(
        DETECTION_METRICS,
        ('AUC', 'F1', 'accuracy', 'balanced accuracy', 'sensitivity', 'false alarms'),
        strict=True,
    )
}
SET_HEADINGS |= {
    'operating_iou': 'IoU at 5 % false alarms',
    'operating_forged_f1': 'forged F1 at 5 % false alarms',
    'operating_sensitivity': 'image sensitivity at 5 % false alarms',
    'operating_area': 'mean IoU up to 10 % false alarms',
}
# What the screen shows; the files have all.
SHOWN = ('macro_f1', 'forged_f1', 'iou', 'auc', 'false_alarm')
SHOWN_OF_SETS = (
    'operating_iou',
    'pooled_forged_f1',
    'pooled_iou',
    'pooled_auc',
    'image_auc',
    'image_f1',
    'image_balanced_accuracy',
)


@dataclass(frozen=True)
class SummaryRow:
    """One row of a group: some metrics, and the images that they are of.

    Attributes:
        images (str): ``'forged'``, ``'pristine'`` or ``'all'`` of the group's images.
        number (int): How many these are.
        metrics (tuple[str, ...]): Names.
    """

    images: str
    number: int
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class GroupMetrics:
    """The metrics of a group of images.

    Attributes:
        name (str): '' for all images, ``<set>``, ``<set>/<kind>`` or ``MEAN_OF_SETS``.
        forged (int): How many forged images it has.
        pristine (int): How many pristine ones.
        values (Mapping[str, float]): Averages by the names of ``LOCALISATION_METRICS``, then ``pooled_*``, ``image_*``
            and ``operating_*``. NaN where a metric is not defined.
        bounds (Mapping[str, tuple[float, float]]): Confidence intervals of the values; empty without resampling.
        rule (str): How pristine images count, see :func:`average_metrics`.
    """

    name: str
    forged: int
    pristine: int
    values: Mapping[str, float]
    bounds: Mapping[str, tuple[float, float]]
    rule: str = EXCLUDE

    @property
    def label(self) -> str:
        """Its name in tables and files."""
        return self.name or 'all'

    def rows(self) -> list[SummaryRow]:
        """Each metric in one row: with what images it is of.

        With the rule ``'exclude'`` averages are of the forged images, but for the false alarms of the pristine ones.
        Another rule averages over all images, so that these metrics stand in the row of all.
        """
        of_forged = tuple(name for name in LOCALISATION_METRICS if name != 'false_alarm')
        mixes = self.rule != EXCLUDE
        rows = (
            SummaryRow('forged', self.forged, () if mixes else of_forged),
            SummaryRow('pristine', self.pristine, ('false_alarm',)),
            SummaryRow('all', self.forged + self.pristine, (of_forged if mixes else ()) + tuple(SET_HEADINGS)),
        )
        return [row for row in rows if row.number and row.metrics]


@dataclass(frozen=True)
class CountingRules:
    """How images count.

    Attributes:
        pristine (str): See :func:`.averages.average_metrics`.
        image_threshold (float | None): See :func:`.detection.detection_metrics`.
    """

    pristine: str = EXCLUDE
    image_threshold: float | None = None

    def values(self, rows: Sequence[dict]) -> dict[str, float]:
        """All metrics of some images."""
        return _prefixed(
            average_metrics(rows, self.pristine),
            pooled_metrics(rows),
            detection_metrics(rows, self.image_threshold),
            operating_metrics(rows),
        )

    def resampled(self, rows: Sequence[dict], draws: np.ndarray) -> dict[str, np.ndarray]:
        """The same of images that are drawn anew, (R,) by name, by draws (R, N)."""
        return _prefixed(
            resampled_averages(rows, self.pristine, draws),
            resampled_pooled_metrics(rows, draws),
            resampled_detection_metrics(rows, self.image_threshold, draws),
            resampled_operating_metrics(rows, draws),
        )


def _prefixed(averages: dict, pooled: dict, detection: dict, operating: dict) -> dict:
    return (
        averages
        | {f'pooled_{name}': value for name, value in pooled.items()}
        | {f'image_{name}': value for name, value in detection.items()}
        | {f'operating_{name}': value for name, value in operating.items()}
    )


def summarise(
    rows: Sequence[dict], pristine: str = EXCLUDE, resamples: int = 0, image_threshold: float | None = None
) -> list[GroupMetrics]:
    """All metrics of all groups.

    Args:
        rows (Sequence[dict]): An image each, as ForgeryMetric keeps them.
        pristine (str): See :func:`average_metrics`. Defaults to ``'exclude'``.
        resamples (int): For the confidence intervals; 0 goes without. Defaults to 0. For the mean of the sets the
            images of each set are drawn anew.
        image_threshold (float, optional): See :func:`detection_metrics`. Defaults to None.

    Returns:
        list[GroupMetrics]: All images, each set, each kind in a set, and the mean of the sets where there are several.
    """
    rules, rng = CountingRules(pristine, image_threshold), np.random.default_rng(0)
    found, sets, drawn_sets = [], [], []
    for each in group_rows(rows):
        drawn = _resampled(each, rules, resamples, rng) if resamples else {}
        bounds = {name: percentile_interval(values) for name, values in drawn.items()}
        found.append(GroupMetrics(each.name, *_numbers(each.rows), rules.values(each.rows), bounds, pristine))
        if each.is_set:
            sets.append(found[-1].values)
            drawn_sets.append(drawn)
    if sets:
        bounds = {name: percentile_interval(values) for name, values in _average_over_sets(drawn_sets).items()}
        means = {name: float(value) for name, value in _average_over_sets(sets).items()}
        found.append(GroupMetrics(MEAN_OF_SETS, *_numbers(rows), means, bounds, pristine))
    return found


def _numbers(rows: Sequence[dict]) -> tuple[int, int]:
    """How many images are forged, and how many pristine."""
    pristine = sum(row['is_pristine'] for row in rows)
    return len(rows) - pristine, pristine


def _resampled(members: Group, rules: CountingRules, resamples: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Each metric of the images drawn anew, float64 of shape (resamples,)."""
    blocks = [rules.resampled(members.rows, draws) for draws in draw_blocks(len(members.rows), resamples, rng)]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def _average_over_sets(sets: Sequence[Mapping[str, float | np.ndarray]]) -> dict[str, np.ndarray]:
    """Each set that defines a metric counts once, whatever its size, as in the mean columns of the papers."""
    means = {}
    for name in sets[0]:
        values = np.stack([each[name] for each in sets])
        defined = ~np.isnan(values)
        total, number = np.where(defined, values, 0).sum(0), defined.sum(0)
        means[name] = np.divide(total, number, out=np.full_like(total, math.nan), where=number > 0)
    return means


def summary_tables(groups: Sequence[GroupMetrics]) -> list[PrettyTable]:
    """For the screen: the averages that most papers print, and some metrics of sets as a whole."""
    shown = {name: HEADINGS[name] for name in SHOWN}, {name: SET_HEADINGS[name] for name in SHOWN_OF_SETS}
    return [_table(groups, columns, with_bounds=False) for columns in shown]


def detailed_tables(groups: Sequence[GroupMetrics]) -> list[PrettyTable]:
    """All metrics with their intervals: the averages, and those of sets as a whole."""
    columns = {name: HEADINGS[name] for name in LOCALISATION_METRICS}, SET_HEADINGS
    return [_table(groups, each, with_bounds=True) for each in columns]


def _table(groups: Sequence[GroupMetrics], columns: Mapping[str, str], with_bounds: bool) -> PrettyTable:
    """The rows of the groups that have one of the metrics."""
    rows = [
        (each.label, row.images, row.number, *_cells(each, row, columns, with_bounds))
        for each in groups
        for row in each.rows()
        if not set(columns).isdisjoint(row.metrics)
    ]
    return text_table(('group', 'images', 'number', *columns.values()), rows)


def _cells(group: GroupMetrics, row: SummaryRow, columns: Mapping[str, str], with_bounds: bool) -> list[str]:
    cells = []
    for name in columns:
        value = group.values[name] if name in row.metrics else math.nan
        bounds = group.bounds.get(name) if with_bounds and not math.isnan(value) else None
        interval = f' [{number_text(bounds[0])}, {number_text(bounds[1])}]' if bounds else ''
        cells.append(number_text(value) + interval)
    return cells
