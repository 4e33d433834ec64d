"""Tables of comparisons."""

import csv
import math
from html.parser import HTMLParser
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from focal_mmseg.comparison import Column, Table
from focal_mmseg.utils.pages import environment

COLUMNS = (Column('a', 'iou'), Column('a', 'false_alarm'), Column('b', 'iou'))
ROWS = {
    'first': (0.5, 0.2, math.nan),
    '<second>': (0.70001, 0.1, 0.3),
    'third': (0.7, 0.1, 0.1),
    'fourth': (0.6, 0.4, 0.2),
}


def test_best_and_second_best_are_marked_by_what_is_shown_and_less_false_alarm_is_better() -> None:
    assert Table('model', COLUMNS, ROWS).places() == {
        'first': [0, 2, 0],
        '<second>': [1, 1, 1],
        'third': [1, 1, 0],
        'fourth': [2, 0, 2],
    }


def test_a_single_model_is_not_the_best() -> None:
    assert Table('model', COLUMNS, {'first': (0.5, 0.2, math.nan)}).places() == {'first': [0, 0, 0]}


def test_a_table_with_notes_shows_them_and_has_no_best() -> None:
    table = Table('model', COLUMNS[:1], {'a': (0.25,), 'b': (0.75,)}, {'a': ('[0.1, <0.3>]',)})
    assert table.to_markdown().splitlines()[2:] == ['| a | 0.250 [0.1, <0.3>] |', '| b | 0.750 |']
    assert '<td>0.250 [0.1, &lt;0.3&gt;]</td>' in as_html(table)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=6))
def test_no_value_beats_the_best(values: list[float]) -> None:
    table = Table('model', COLUMNS[:1], {str(number): (value,) for number, value in enumerate(values)})
    places = [place for (place,) in table.places().values()]
    assert max(round(value, 3) for value in values) == round(values[places.index(1)], 3)


def test_markdown_names_the_group_of_each_column() -> None:
    lines = Table('model', COLUMNS, ROWS).to_markdown().splitlines()
    assert lines[0] == '| model | a IoU | a false alarms | b IoU |'
    assert lines[2] == '| first | 0.500 | <u>0.200</u> | - |'
    assert lines[4] == '| third | **0.700** | **0.100** | 0.100 |'


def as_html(table: Table) -> str:
    """As the page shows it."""
    return str(environment().get_template('macros.html.j2').module.table(table))


class Cells(HTMLParser):
    """Texts of a page's cells; fails on a tag that is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(data)


def test_html_is_closed_and_escaped() -> None:
    texts = Cells(as_html(Table('model', COLUMNS, ROWS))).texts
    assert texts[:6] == ['model', 'a', 'b', 'IoU', 'false alarms', 'IoU']
    assert '<second>' in texts and texts.count('0.700') == 2


def test_html_marks_the_best_and_second_best_in_their_columns() -> None:
    lines = as_html(Table('model', COLUMNS, ROWS)).splitlines()
    assert '<tr><th scope="row">first</th><td>0.500</td><td><u>0.200</u></td><td>-</td></tr>' in lines
    assert '<tr><th scope="row">third</th><td><b>0.700</b></td><td><b>0.100</b></td><td>0.100</td></tr>' in lines
    assert '<tr><th scope="row">fourth</th><td><u>0.600</u></td><td>0.400</td><td><u>0.200</u></td></tr>' in lines
    assert '<th scope="colgroup" colspan="2">a</th><th scope="colgroup" colspan="1">b</th>' in '\n'.join(lines)


def test_csv_has_all_digits(tmp_path: Path) -> None:
    Table('model', COLUMNS, ROWS).write_csv(tmp_path / 'table.csv')
    with (tmp_path / 'table.csv').open(newline='') as file:
        rows = list(csv.reader(file))
    assert rows[0] == ['', 'a/iou', 'a/false_alarm', 'b/iou']
    assert rows[1] == ['first', '0.5', '0.2', ''] and rows[2][1] == '0.70001'


def test_less_time_is_better_and_of_losses_none_is() -> None:
    columns = [Column('', name) for name in ('loss', 'seconds_a_step', 'spikiness')]
    table = Table('training', columns, {'a': (1.0, 0.2, 0.1), 'b': (2.0, 0.1, 0.3)})
    assert table.places() == {'a': [0, 2, 1], 'b': [0, 1, 2]} and table.groups() == []
    assert table.label == 'training: last loss, s a step, spikiness'
