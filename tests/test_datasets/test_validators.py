"""Checks of options: what they let through, what they refuse, and what they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from focal_mmseg.datasets.validators import (
    require_choice,
    require_number,
    require_pair,
    require_range,
    require_shares,
    require_whole,
    require_whole_range,
)

FINITE = st.floats(-1e6, 1e6)


@given(value=FINITE, low=FINITE, high=FINITE)
def test_a_number_passes_within_its_bounds_alone(value: float, low: float, high: float) -> None:
    if low <= value <= high:
        assert require_number('x', value, low, high) == value
    else:
        with pytest.raises(ValueError, match=r'^x must be a number in '):
            require_number('x', value, low, high)


@given(ends=st.tuples(FINITE, FINITE))
def test_a_pair_rises(ends: tuple[float, float]) -> None:
    if ends[0] <= ends[1]:
        assert require_pair('x', list(ends), -1e6) == require_range('x', ends, -1e6) == ends
    else:
        with pytest.raises(ValueError, match='x must go from the lower to the higher'):
            require_range('x', ends, -1e6)


@pytest.mark.parametrize('value', [None, True, '1', float('nan'), float('inf'), 1j, [1]])
def test_what_is_no_number_is_refused(value: object) -> None:
    for require in (require_number, require_whole):
        with pytest.raises(ValueError, match=r'^x must be'):
            require('x', value, 0)


@pytest.mark.parametrize(
    ('call', 'says'),
    [
        (lambda: require_number('x', 0, 0, above=True), 'x must be a number above 0, got 0'),
        (lambda: require_number('x', 2, 0, 1, above=True), 'x must be a number above 0 and at most 1, got 2'),
        (lambda: require_number('x', -1, 0), 'x must be a number of at least 0, got -1'),
        (lambda: require_pair('x', 3, 0), r'x must be two numbers \(low, high\), got 3'),
        (lambda: require_pair('x', (1, 2, 3), 0), 'x must be two numbers'),
        (lambda: require_whole('x', 1.0, 0), 'x must be a whole number of at least 0, got 1.0'),
        (lambda: require_whole_range('x', (1, 4), 1, odd=True), 'x must be an odd whole number or a pair'),
        (lambda: require_whole_range('x', (1, 2.5), 1), 'x must be a whole number or a pair'),
        (lambda: require_choice('x', 'c', ('a', 'b')), "x must be one of a, b, got 'c'"),
        (lambda: require_choice('x', ['a'], ('a', 'b')), r"x must be one of a, b, got \['a'\]"),
        (lambda: require_shares('x', {'a': 0}, ('a', 'b')), 'x: the shares must add up to more than 0'),
        (lambda: require_shares('x', {'c': 1}, ('a', 'b')), 'x: unknown c; there are a, b'),
        (lambda: require_shares('x', {'a': float('inf')}, ('a',)), 'x.a must be a number of at least 0, got inf'),
    ],
)
def test_the_message_has_the_option_its_bounds_and_the_value(call, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call()


def test_numpys_numbers_are_numbers() -> None:
    assert require_number('x', np.float64(0.5), 0, 1) == 0.5
    assert require_range('x', (1, np.float64(2)), 1, 2) == (1, 2)
