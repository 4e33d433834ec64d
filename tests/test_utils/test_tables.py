"""Tables of numbers in text."""

import math

import pytest

from focal_mmseg.utils.tables import number_text, text_table


@pytest.mark.parametrize(('value', 'text'), [(0.12345, '0.123'), (math.nan, '-'), (None, '-'), (2, '2.000')])
def test_a_number_and_none(value: float | None, text: str) -> None:
    assert number_text(value) == text


def test_what_is_no_number_with_a_point_stands_as_it_is() -> None:
    table = text_table(('name', 'images', 'IoU', 'AUC'), [('a', 3, 0.5, math.nan), ('b', 10, None, 1.0)])
    assert [list(map(str, row)) for row in table.rows] == [['a', '3', '0.500', '-'], ['b', '10', '-', '1.000']]
