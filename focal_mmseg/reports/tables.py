"""Tables with the best of each column bold and the second best underlined, as in the papers."""

import csv
import html
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from focal_mmseg.evaluation.summary import HEADINGS, SET_HEADINGS
from focal_mmseg.utils import atomic_write

# A figure of which less is better.
LESS_IS_BETTER = ('false_alarm', 'nothing_found')


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        group (str): What stands above several columns, as the name of a set.
        figure (str): A name of ``HEADINGS`` or ``SET_HEADINGS``.
    """

    group: str
    figure: str

    @property
    def heading(self) -> str:
        """The figure as people write it."""
        return (HEADINGS | SET_HEADINGS)[self.figure]


@dataclass(frozen=True)
class Table:
    """Figures of several models.

    Attributes:
        title (str): What it shows.
        columns (Sequence[Column]): Those of a group side by side.
        rows (dict[str, Sequence[float]]): A value a column by the model's name; NaN where there is none.
        notes (dict[str, Sequence[str]]): What stands behind each value, where there is something. Such a table has no
            best: how sure a value is counts in it, not its place.
    """

    title: str
    columns: Sequence[Column]
    rows: dict[str, Sequence[float]]
    notes: dict[str, Sequence[str]] = field(default_factory=dict)

    def places(self) -> dict[str, list[int]]:
        """1 for the best value of a column, 2 for the second best, 0 for the others; of equal values all get theirs.

        Values count as they are shown, with three digits. A column of fewer than two values has no best.
        """
        marks = {name: [0] * len(self.columns) for name in self.rows}
        if self.notes:
            return marks
        for number, column in enumerate(self.columns):
            values = {name: round(row[number], 3) for name, row in self.rows.items() if not math.isnan(row[number])}
            if len(values) < 2:
                continue
            order = sorted(set(values.values()), reverse=column.figure not in LESS_IS_BETTER)[:2]
            for name, value in values.items():
                marks[name][number] = order.index(value) + 1 if value in order else 0
        return marks

    def to_markdown(self) -> str:
        """As Markdown; a group is named in each of its headings."""
        headings = [' '.join(filter(None, (column.group, column.heading))) for column in self.columns]
        lines = [f'| {self.title} | {" | ".join(headings)} |', '|---' * (len(headings) + 1) + '|']
        marks = self.places()
        for name, row in self.rows.items():
            cells = [
                {0: '{}', 1: '**{}**', 2: '<u>{}</u>'}[place].format(text)
                for text, place in zip(self._cells(name, row), marks[name], strict=True)
            ]
            lines.append(f'| {name} | {" | ".join(cells)} |')
        return '\n'.join(lines) + '\n'

    def to_html(self) -> str:
        """As an HTML table, groups above their columns."""
        marks = self.places()
        lines = ['<table>', f'<caption>{html.escape(self.title)}</caption>', '<thead>']
        if any(column.group for column in self.columns):
            groups = ''.join(
                f'<th scope="colgroup" colspan="{span}">{html.escape(group)}</th>' for group, span in self._groups()
            )
            lines.append(f'<tr><td></td>{groups}</tr>')
        headings = ''.join(f'<th scope="col">{html.escape(column.heading)}</th>' for column in self.columns)
        lines += [f'<tr><td></td>{headings}</tr>', '</thead>', '<tbody>']
        for name, row in self.rows.items():
            cells = ''.join(
                {0: '<td>{}</td>', 1: '<td><b>{}</b></td>', 2: '<td><u>{}</u></td>'}[place].format(html.escape(text))
                for text, place in zip(self._cells(name, row), marks[name], strict=True)
            )
            lines.append(f'<tr><th scope="row">{html.escape(name)}</th>{cells}</tr>')
        return '\n'.join([*lines, '</tbody>', '</table>'])

    def _cells(self, name: str, row: Sequence[float]) -> list[str]:
        """The values of a row as they are shown, with their notes."""
        notes = self.notes.get(name, [''] * len(row))
        return [f'{cell(value)} {note}'.strip() for value, note in zip(row, notes, strict=True)]

    def _groups(self) -> list[tuple[str, int]]:
        """Neighbouring columns of one group: its name and how many."""
        found: list[tuple[str, int]] = []
        for column in self.columns:
            if found and found[-1][0] == column.group:
                found[-1] = (column.group, found[-1][1] + 1)
            else:
                found.append((column.group, 1))
        return found

    def write_csv(self, path: Path) -> None:
        """Write all digits."""
        with atomic_write(path) as part, part.open('w', newline='', encoding='utf-8') as file:
            writer = csv.writer(file)
            writer.writerow(['', *('/'.join(filter(None, (each.group, each.figure))) for each in self.columns)])
            writer.writerows(
                [name, *('' if math.isnan(value) else value for value in row)] for name, row in self.rows.items()
            )


def cell(value: float) -> str:
    """A value as it is shown."""
    return '-' if math.isnan(value) else f'{value:.3f}'
