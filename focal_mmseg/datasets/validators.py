"""Checks of options; every message begins with the option's name and ends with what was given."""

from collections.abc import Collection, Mapping
from math import inf, isfinite
from typing import Any

Range = float | tuple[float, float]


def require_number(name: str, value: Any, low: float, high: float = inf, *, above: bool = False) -> float:
    """Refuse what is no finite number, or out of bounds.

    Args:
        name (str): Of the option.
        value (Any): What was given.
        low (float): It must be at least this.
        high (float): And at most this. Defaults to no limit.
        above (bool): Whether ``low`` itself is refused. Defaults to False.

    Returns:
        float: The value.

    Raises:
        ValueError: If it does not fit.
    """
    if not _fits(value, low, high, above):
        raise ValueError(f'{name} must be a number {_bounds(low, high, above)}, got {value!r}')
    return value


def require_pair(name: str, value: Any, low: float, high: float = inf, *, above: bool = False) -> tuple[float, float]:
    """Refuse what is no pair of numbers within bounds, in rising order; the arguments are :func:`require_number`'s.

    Returns:
        tuple[float, float]: The pair.

    Raises:
        ValueError: If it does not fit.
    """
    if not is_pair(value) or len(value) != 2:
        raise ValueError(f'{name} must be two numbers (low, high), got {value!r}')
    for end in value:
        require_number(name, end, low, high, above=above)
    if value[0] > value[1]:
        raise ValueError(f'{name} must go from the lower to the higher, got {value[0]}, {value[1]}')
    return tuple(value)


def require_range(name: str, value: Any, low: float, high: float = inf, *, above: bool = False) -> Range:
    """:func:`require_pair` of a pair, :func:`require_number` of all else."""
    require = require_pair if is_pair(value) else require_number
    return require(name, value, low, high, above=above)


def require_whole(name: str, value: Any, low: int, high: float = inf) -> int:
    """:func:`require_number` for whole numbers."""
    if not _fits(value, low, high) or not isinstance(value, int):
        raise ValueError(f'{name} must be a whole number {_bounds(low, high)}, got {value!r}')
    return value


def require_whole_range(name: str, value: Any, low: int, high: float = inf, *, odd: bool = False) -> Range:
    """:func:`require_range` for whole numbers.

    Args:
        name (str): Of the option.
        value (Any): What was given.
        low (int): It must be at least this.
        high (float): And at most this. Defaults to no limit.
        odd (bool): Whether even ones are refused. Defaults to False.

    Raises:
        ValueError: If it does not fit.
    """
    value = require_range(name, value, low, high)
    ends = value if is_pair(value) else (value,)
    if not all(isinstance(end, int) and (end % 2 or not odd) for end in ends):
        raise ValueError(f'{name} must be {"an odd" if odd else "a"} whole number or a pair of them, got {value!r}')
    return value


def require_choice(name: str, value: Any, choices: Collection[Any]) -> Any:
    """Refuse what is none of the choices.

    Raises:
        ValueError: If it is none.
    """
    if value not in tuple(choices):
        raise ValueError(f'{name} must be one of {", ".join(map(str, choices))}, got {value!r}')
    return value


def require_shares(name: str, value: Any, choices: Collection[str]) -> Mapping[str, float]:
    """Refuse shares of unknown names, negative ones, and those of nothing.

    Args:
        name (str): Of the option.
        value (Any): What was given; shares by name need not add up to 1.
        choices (Collection[str]): The known names.

    Raises:
        ValueError: If they do not fit.
    """
    if not isinstance(value, Mapping):
        raise ValueError(f'{name} must be shares by name ({", ".join(choices)}), got {value!r}')
    unknown = [str(each) for each in value if each not in choices]
    if unknown:
        raise ValueError(f'{name}: unknown {", ".join(unknown)}; there are {", ".join(choices)}')
    for each, share in value.items():
        require_number(f'{name}.{each}', share, 0)
    if not sum(value.values()):
        raise ValueError(f'{name}: the shares must add up to more than 0, got {dict(value)}')
    return value


def is_pair(value: Any) -> bool:
    """Whether a value is meant as a pair ``(low, high)``."""
    return isinstance(value, list | tuple)


def _fits(value: Any, low: float, high: float, above: bool = False) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return False
    return low <= value <= high and not (above and value == low)


def _bounds(low: float, high: float, above: bool = False) -> str:
    """What a number must be, in words."""
    if high == inf:
        return f'above {low}' if above else f'of at least {low}'
    return f'above {low} and at most {high}' if above else f'in {low}..{high}'
