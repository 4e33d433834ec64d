"""The figures of each picture as rows of a table: in groups, and as a file."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from focal_mmseg.utils import written_whole

from .picture_figures import FIGURES
from .pooling import COUNTS

UNNAMED = 'without a name'
NAMES = ('dataset', 'kind', 'picture')
FLAGS = ('is_pristine', 'called_forged')
COLUMNS = (*NAMES, *FLAGS, *FIGURES, 'image_score', *COUNTS)


@dataclass(frozen=True)
class Group:
    """Some of the pictures of a test.

    Attributes:
        name (str): '' for all of them, ``<set>`` or ``<set>/<kind>``.
        rows (list[dict]): A picture each.
        is_set (bool): Whether they are a whole data set, one of several.
    """

    name: str
    rows: list[dict]
    is_set: bool = False


def group(rows: Sequence[dict]) -> list[Group]:
    """Pictures by data set and by kind in a set.

    Args:
        rows (Sequence[dict]): With ``dataset`` and ``kind``.

    Returns:
        list[Group]: All of them, then each set and its kinds; groups that would only repeat their parent are left out.
        A set without a name is called ``UNNAMED`` where there are others.
    """
    by_dataset: dict[str, list[dict]] = {}
    for row in rows:
        by_dataset.setdefault(row['dataset'], []).append(row)
    groups = [Group('', list(rows))]
    for dataset, members in sorted(by_dataset.items()):
        name = dataset or (UNNAMED if len(by_dataset) > 1 else '')
        by_kind: dict[str, list[dict]] = {}
        for row in members:
            by_kind.setdefault(row['kind'] or 'other', []).append(row)
        if len(by_dataset) > 1:
            groups.append(Group(name, members, is_set=True))
        if len(by_kind) > 1:
            groups += [Group(f'{name}/{kind}'.strip('/'), each) for kind, each in sorted(by_kind.items())]
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
    with Path(path).open(newline='', encoding='utf-8', errors='surrogateescape') as file:
        rows = list(csv.DictReader(file))
    missing = [name for name in COLUMNS if rows and name not in rows[0]]
    if missing:
        raise ValueError(f'{path} has no column {missing[0]!r}: it is of another version, run the test again')
    return [
        {name: row[name] for name in NAMES}
        | {name: float(row[name]) for name in (*FIGURES, 'image_score')}
        | {name: int(row[name]) for name in COUNTS}
        | {name: row[name] == 'True' for name in FLAGS}
        for row in rows
    ]


def write_rows(path: Path, rows: Sequence[dict]) -> None:
    """Write the file that :func:`read_rows` reads."""
    with written_whole(path) as part, part.open('w', newline='', encoding='utf-8', errors='surrogateescape') as file:
        writer = csv.DictWriter(file, fieldnames=COLUMNS, extrasaction='ignore')
        writer.writeheader()
        writer.writerows(rows)


def append_row(path: Path, row: dict) -> None:
    """Add a picture to the file that :func:`read_rows` reads, and begin the file where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open('a', newline='', encoding='utf-8', errors='surrogateescape') as file:
        writer = csv.DictWriter(file, fieldnames=COLUMNS, extrasaction='ignore')
        if not file.tell():
            writer.writeheader()
        writer.writerow(row)
