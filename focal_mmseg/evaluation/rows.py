"""The figures of each picture as rows of a table: in groups, and as a file."""

import csv
from collections.abc import Sequence
from pathlib import Path

from focal_mmseg.utils import written_whole

from .averages import COUNTS
from .picture_figures import FIGURES

NAMES = ('dataset', 'kind', 'picture')
COLUMNS = (*NAMES, 'is_pristine', *FIGURES, 'image_score', *COUNTS)


def group(rows: Sequence[dict]) -> dict[str, list[dict]]:
    """Pictures by data set and by kind in a set.

    Args:
        rows (Sequence[dict]): With ``dataset`` and ``kind``.

    Returns:
        dict[str, list[dict]]: ``''`` has all of them, then ``<set>`` and ``<set>/<kind>``; groups that would only
        repeat their parent are left out.
    """
    by_dataset: dict[str, list[dict]] = {}
    by_kind: dict[str, dict[str, list[dict]]] = {}
    for row in rows:
        by_dataset.setdefault(row['dataset'], []).append(row)
        by_kind.setdefault(row['dataset'], {}).setdefault(row['kind'] or 'other', []).append(row)
    groups = {'': list(rows)}
    for dataset in sorted(by_dataset):
        if len(by_dataset) > 1:
            groups[dataset] = by_dataset[dataset]
        if len(by_kind[dataset]) > 1:
            groups.update({f'{dataset}/{kind}'.strip('/'): each for kind, each in sorted(by_kind[dataset].items())})
    return groups


def read_rows(path: str | Path) -> list[dict]:
    """Read the ``pictures.csv`` of a test.

    Args:
        path (str | Path): The file.

    Returns:
        list[dict]: A row a picture, without the ranking of its pixels.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it lacks a column, because another version wrote it.
    """
    with Path(path).open(newline='', encoding='utf-8') as file:
        rows = list(csv.DictReader(file))
    missing = [name for name in COLUMNS if rows and name not in rows[0]]
    if missing:
        raise ValueError(f'{path} has no column {missing[0]!r}: it is of another version, run the test again')
    return [
        {name: row[name] for name in NAMES}
        | {name: float(row[name]) for name in (*FIGURES, 'image_score')}
        | {name: int(row[name]) for name in COUNTS}
        | {'is_pristine': row['is_pristine'] == 'True'}
        for row in rows
    ]


def write_rows(path: Path, rows: Sequence[dict]) -> None:
    """Write the file that :func:`read_rows` reads."""
    with written_whole(path) as part, part.open('w', newline='', encoding='utf-8') as file:
        writer = csv.DictWriter(file, fieldnames=COLUMNS, extrasaction='ignore')
        writer.writeheader()
        writer.writerows(rows)


def append_row(path: Path, row: dict) -> None:
    """Add a picture to the file that :func:`read_rows` reads, and begin the file where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open('a', newline='', encoding='utf-8') as file:
        writer = csv.DictWriter(file, fieldnames=COLUMNS, extrasaction='ignore')
        if not file.tell():
            writer.writeheader()
        writer.writerow(row)
