"""The files of a test: a row an image, a row a group of images, and the operating curves."""

import csv
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from prettytable import TableStyle

from focal_mmseg.utils import atomic_write

from .localisation import LOCALISATION_METRICS
from .operating import CURVE_METRICS, OperatingCurve
from .pooling import COUNT_COLUMNS
from .summary import GroupMetrics, detailed_tables

IMAGES_FILE = 'images.csv'
CURVES_FILE = 'operating.csv'
SUMMARIES = ('summary.json', 'summary.csv', 'summary.md')
NAMES = ('dataset', 'kind', 'image')
FLAGS = ('is_pristine', 'called_forged')
IMAGE_COLUMNS = (*NAMES, *FLAGS, *LOCALISATION_METRICS, 'image_score', *COUNT_COLUMNS)
CURVE_COLUMNS = ('group', 'false_alarms', *CURVE_METRICS)
# Operating curves are written up to this level of false alarms.
MOST_FALSE_ALARMS = 0.3


def read_rows(path: str | Path) -> list[dict]:
    """Read the ``images.csv`` of a test.

    Args:
        path (str | Path): The file.

    Returns:
        list[dict]: A row an image, without the histogram of its pixels' scores.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it lacks a column, because another version wrote it.
    """
    rows = _read_table(path)
    missing = [name for name in IMAGE_COLUMNS if rows and name not in rows[0]]
    if missing:
        raise ValueError(f'{path} has no column {missing[0]!r}: another version wrote it, run the test again')
    return [
        {name: row[name] for name in NAMES}
        | {name: float(row[name]) for name in (*LOCALISATION_METRICS, 'image_score')}
        | {name: int(row[name]) for name in COUNT_COLUMNS}
        | {name: row[name] == 'True' for name in FLAGS}
        for row in rows
    ]


def write_rows(path: Path, rows: Sequence[dict]) -> None:
    """Write the file that :func:`read_rows` reads."""
    _write_table(path, IMAGE_COLUMNS, rows)


def append_row(path: Path, row: dict) -> None:
    """Add an image to the file that :func:`read_rows` reads, and begin the file where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _open(path, 'a') as file:
        writer = csv.DictWriter(file, fieldnames=IMAGE_COLUMNS, extrasaction='ignore')
        if not file.tell():
            writer.writeheader()
        writer.writerow(row)


def write_operating_curves(path: Path, curves: Mapping[str, OperatingCurve]) -> None:
    """Write curves up to 30 % false alarms, which is enough for :meth:`OperatingCurve.metrics_at` and the area.

    Args:
        path (Path): A CSV file to write.
        curves (Mapping[str, OperatingCurve]): By the name of a group of images.
    """
    rows = []
    for name, curve in curves.items():
        steps = np.stack([curve.false_alarms, *(curve.metrics[each] for each in CURVE_METRICS)], 1)
        steps = steps[: np.searchsorted(curve.false_alarms, MOST_FALSE_ALARMS, side='right')]
        changes = np.append(True, (np.diff(steps, axis=0) != 0).any(1))
        rows += [[name, *(f'{value:.6g}' for value in step)] for step in steps[changes].tolist()]
    _write_table(path, CURVE_COLUMNS, (dict(zip(CURVE_COLUMNS, row, strict=True)) for row in rows))


def read_operating_curves(path: str | Path) -> dict[str, OperatingCurve]:
    """Read the file that :func:`write_operating_curves` writes.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it has other columns.
    """
    rows = _read_table(path)
    if rows and tuple(rows[0]) != CURVE_COLUMNS:
        raise ValueError(
            f'{path} has other columns than {", ".join(CURVE_COLUMNS)}: another version wrote it, run the test again'
        )
    names = dict.fromkeys(row['group'] for row in rows)
    points = {name: [row for row in rows if row['group'] == name] for name in names}
    return {
        name: OperatingCurve(
            np.array([float(row['false_alarms']) for row in own]),
            {each: np.array([float(row[each]) for row in own]) for each in CURVE_METRICS},
        )
        for name, own in points.items()
    }


def write_summary(folder: Path, groups: Sequence[GroupMetrics]) -> None:
    """Write ``summary.json`` and ``summary.csv`` (all metrics), and ``summary.md`` (with their intervals)."""
    records = [record for each in groups for record in _records(each)]
    with atomic_write(folder / 'summary.json') as part:
        part.write_text(json.dumps(records, indent=2) + '\n', encoding='utf-8')
    _write_table(folder / 'summary.csv', list(dict.fromkeys(name for record in records for name in record)), records)
    tables = detailed_tables(groups)
    for each in tables:
        each.set_style(TableStyle.MARKDOWN)
    with atomic_write(folder / 'summary.md') as part:
        part.write_text('\n\n'.join(map(str, tables)) + '\n', encoding='utf-8', errors='surrogateescape')


def _records(group: GroupMetrics) -> list[dict[str, Any]]:
    """A record for each of the group's rows: forged images, pristine images, all of them."""
    return [
        dict(group=group.label, images=row.images, number=row.number)
        | {name: _plain(group.values[name]) for name in row.metrics}
        | {
            f'{name}_{end}': _plain(value)
            for name in row.metrics
            if name in group.bounds
            for end, value in zip(('low', 'high'), group.bounds[name], strict=True)
        }
        for row in group.rows()
    ]


def _plain(value: float) -> float | None:
    """Not defined is None: NaN is no JSON."""
    return None if math.isnan(value) else value


def _open(path: Path, mode: Literal['r', 'w', 'a']) -> IO[str]:
    # File names that are no UTF-8 come back as they were.
    return path.open(mode, newline='', encoding='utf-8', errors='surrogateescape')


def _read_table(path: str | Path) -> list[dict[str, str]]:
    with _open(Path(path), 'r') as file:
        return list(csv.DictReader(file))


def _write_table(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    with atomic_write(path) as part, _open(part, 'w') as file:
        writer = csv.DictWriter(file, fieldnames=columns, extrasaction='ignore')
        writer.writeheader()
        writer.writerows(rows)
