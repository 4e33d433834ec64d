"""Images that look alike, by their perceptual hashes."""

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

# Of 64 bits: an image compressed again or resized stays within it (docs/guide/datasets.md has the measurement).
NEAR = 4
# Pairs that are compared at once, and pairs that are kept: a thousand blank images alone make half a million.
BLOCK, LIMIT = 2**20, 100_000
BITS = np.array([number.bit_count() for number in range(2**16)], np.uint8)


def find_near_pairs(
    first: np.ndarray,
    second: np.ndarray,
    most: int = NEAR,
    limit: int = LIMIT,
    progress: Callable[[], object] = lambda: None,
) -> list[tuple[int, int]]:
    """Pairs whose hashes differ in few bits.

    The bits are cut into bands, one more than may differ, so that two such hashes agree in a whole band: only hashes
    that do are compared. None is missed.

    Args:
        first (np.ndarray): uint64 of shape (N,).
        second (np.ndarray): uint64 of shape (M,); the same array finds the pairs within it, each once.
        most (int): Bits that may differ. Defaults to 4.
        limit (int): The search ends with so many pairs. Defaults to 100,000.
        progress (Callable): Is called after each of the ``most + 1`` bands.

    Returns:
        list[tuple[int, int]]: Places in the first and in the second, in order.
    """
    edges = np.linspace(0, 64, most + 2).round().astype(int).tolist()
    masks = [np.uint64((1 << high) - (1 << low)) for low, high in pairwise(edges)]
    found: list[tuple[int, int]] = []
    for band, mask in enumerate(masks):
        for rows, columns in _groups(first & mask, second & mask):
            if len(found) < limit:
                found += _compared(first, second, rows, columns, most, masks[:band])
        progress()
    return sorted(found[:limit])


def _groups(first: np.ndarray, second: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Places in both that have the same value, no more than ``BLOCK`` pairs of them at once."""
    order, others = np.argsort(first, kind='stable'), np.argsort(second, kind='stable')
    values, starts, sizes = np.unique(first[order], return_index=True, return_counts=True)
    lows, highs = (np.searchsorted(second[others], values, side) for side in ('left', 'right'))
    # A place is no pair with itself.
    shared = (highs - lows) * sizes > (1 if first is second else 0)
    for start, size, low, high in zip(*(each[shared].tolist() for each in (starts, sizes, lows, highs)), strict=True):
        step = max(1, BLOCK // (high - low))
        for begin in range(start, start + size, step):
            yield order[begin : min(begin + step, start + size)], others[low:high]


def _compared(
    first: np.ndarray,
    second: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    most: int,
    earlier: list[np.uint64],
) -> list[tuple[int, int]]:
    """The near pairs among places, but for those that agree in an earlier band and were found there."""
    differs = first[rows][:, None] ^ second[columns][None]
    near = BITS[differs.view(np.uint16).reshape(*differs.shape, 4)].sum(-1, dtype=np.uint8) <= most
    i, j = np.nonzero(near)
    differs, i, j = differs[i, j], rows[i], columns[j]
    new = np.all([differs & mask != 0 for mask in earlier], axis=0) if earlier else np.ones(len(i), bool)
    if first is second:
        new &= i < j
    return list(zip(i[new].tolist(), j[new].tolist(), strict=True))
