"""Tables of numbers in text, all with one way to write a number, and that there is none."""

import math
from collections.abc import Iterable, Sequence

from prettytable import PrettyTable

NOTHING = '-'


def number_text(value: float | None, form: str = '.3f') -> str:
    """A number as tables show it.

    Args:
        value (float, optional): The number.
        form (str): As Python's ``format`` takes it. Defaults to ``'.3f'``, three digits behind the point.

    Returns:
        str: ``'-'`` for NaN and None.

    Examples:
        >>> number_text(0.5), number_text(float('nan'))
        ('0.500', '-')
    """
    return NOTHING if value is None or math.isnan(value) else format(value, form)


def text_table(headings: Sequence[str], rows: Iterable[Sequence[object]], form: str = '.3f') -> PrettyTable:
    """A table for the screen; numbers with a point, and None, stand in it as :func:`number_text` has them.

    Args:
        headings (Sequence[str]): Of the columns.
        rows (Iterable[Sequence[object]]): A cell a column.
        form (str): See :func:`number_text`. Defaults to ``'.3f'``.
    """
    table = PrettyTable(headings)
    for row in rows:
        table.add_row([number_text(cell, form) if cell is None or isinstance(cell, float) else cell for cell in row])
    return table
