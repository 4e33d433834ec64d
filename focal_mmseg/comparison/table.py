"""Tables with the best of each column bold and the second best underlined, as in the papers."""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from focal_mmseg.evaluation.summary import HEADINGS, SET_HEADINGS
from focal_mmseg.utils import atomic_write
from focal_mmseg.utils.tables import number_text

# What is told of a training, beside the metrics of a test.
OF_TRAINING = dict(loss='last loss', seconds_a_step='s a step', spikiness='spikiness')
# Of these less is better.
LESS_IS_BETTER = ('false_alarm', 'nothing_found', 'seconds_a_step', 'spikiness')
# Losses of several kinds have several heights: none is the best.
UNRANKED = ('loss',)
MARKS = ('{}', '**{}**', '<u>{}</u>')


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        group (str): What stands above several columns, as the name of a set.
        metric (str): A name of ``HEADINGS``, ``SET_HEADINGS`` or ``OF_TRAINING``.
    """

    group: str
    metric: str

    @property
    def heading(self) -> str:
        """The metric as people write it."""
        return (HEADINGS | SET_HEADINGS | OF_TRAINING)[self.metric]


@dataclass(frozen=True)
class Table:
    """Numbers of several models.

    Attributes:
        title (str): What stands above the models' names.
        columns (Sequence[Column]): Those of a group side by side.
        rows (Mapping[str, Sequence[float]]): A value a column by the model's name; NaN where there is none.
        notes (Mapping[str, Sequence[str]]): What stands behind each value, where there is something. Such a table has
            no best: how sure a value is counts in it, not its place.
    """

    title: str
    columns: Sequence[Column]
    rows: Mapping[str, Sequence[float]]
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """What it shows, for those who do not see it."""
        return f'{self.title}: {", ".join(dict.fromkeys(column.heading for column in self.columns))}'

    def places(self) -> dict[str, list[int]]:
        """1 for the best value of a column, 2 for the second best, 0 for the others; of equal values all get theirs.

        Values count as they are shown, with three digits. A column of fewer than two values has no best.
        """
        marks = {name: [0] * len(self.columns) for name in self.rows}
        if self.notes:
            return marks
        for number, column in enumerate(self.columns):
            values = {name: round(row[number], 3) for name, row in self.rows.items() if not math.isnan(row[number])}
            if len(values) < 2 or column.metric in UNRANKED:
                continue
            order = sorted(set(values.values()), reverse=column.metric not in LESS_IS_BETTER)[:2]
            for name, value in values.items():
                marks[name][number] = order.index(value) + 1 if value in order else 0
        return marks

    def cells(self) -> dict[str, list[tuple[str, int]]]:
        """The values of each row as they are shown, with their notes and places."""
        places, found = self.places(), {}
        for name, row in self.rows.items():
            notes = self.notes.get(name, [''] * len(row))
            texts = [f'{number_text(value)} {note}'.strip() for value, note in zip(row, notes, strict=True)]
            found[name] = list(zip(texts, places[name], strict=True))
        return found

    def groups(self) -> list[tuple[str, int]]:
        """Neighbouring columns of one group: its name and how many; none where no column has a group."""
        found: list[tuple[str, int]] = []
        for column in self.columns:
            if found and found[-1][0] == column.group:
                found[-1] = (column.group, found[-1][1] + 1)
            else:
                found.append((column.group, 1))
        return found if any(name for name, _ in found) else []

    def to_markdown(self) -> str:
        """As Markdown; a group is named in each of its headings."""
        headings = [' '.join(filter(None, (column.group, column.heading))) for column in self.columns]
        lines = [f'| {self.title} | {" | ".join(headings)} |', '|---' * (len(headings) + 1) + '|']
        for name, cells in self.cells().items():
            lines.append(f'| {name} | {" | ".join(MARKS[place].format(text) for text, place in cells)} |')
        return '\n'.join(lines) + '\n'

    def write_csv(self, path: Path) -> None:
        """Write all digits."""
        with atomic_write(path) as part, part.open('w', newline='', encoding='utf-8') as file:
            writer = csv.writer(file)
            writer.writerow(['', *('/'.join(filter(None, (each.group, each.metric))) for each in self.columns)])
            writer.writerows(
                [name, *('' if math.isnan(value) else value for value in row)] for name, row in self.rows.items()
            )
