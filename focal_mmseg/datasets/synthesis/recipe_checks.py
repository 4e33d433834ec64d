"""Checks of a recipe's values; every message begins with the key."""

from collections.abc import Mapping

import numpy as np

SMALLEST_SIDE = 32


def check_size(size: object) -> None:
    """Refuse a side that is too small, or none.

    Raises:
        ValueError: Begins with ``size``.
    """
    if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < SMALLEST_SIDE):
        raise ValueError(f'size: must be a whole number of at least {SMALLEST_SIDE}, got {size!r}')


def check_number(key: str, value: object, least: float, most: float) -> None:
    """Refuse what is no number, or out of its range.

    Raises:
        ValueError: Begins with the key.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ValueError(f'{key}: must be a number in {least}..{most}, got {value!r}')


def check_shares(key: str, shares: object, names: tuple[str, ...]) -> None:
    """Refuse shares of unknown names, negative ones, and those of nothing.

    Raises:
        ValueError: Begins with the key.
    """
    if not isinstance(shares, Mapping):
        raise ValueError(f'{key}: must be shares by name ({", ".join(names)}), got {shares!r}')
    unknown = [str(name) for name in shares if name not in names]
    if unknown:
        raise ValueError(f'{key}: unknown {", ".join(unknown)}; there are {", ".join(names)}')
    for name, share in shares.items():
        check_number(f'{key}.{name}', share, 0, float('inf'))
    if not sum(shares.values()) or not np.isfinite(sum(shares.values())):
        raise ValueError(f'{key}: the shares must add up to more than 0, got {dict(shares)}')
