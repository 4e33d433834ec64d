"""Pictures that look alike, by their perceptual hashes."""

import numpy as np

# Of 64 bits: a picture compressed again or resized stays within it (docs/datasets.md has the measurement).
NEAR = 4
BLOCK = 2048
BITS = np.array([number.bit_count() for number in range(2**16)], np.uint8)


def near_pairs(first: np.ndarray, second: np.ndarray, most: int = NEAR) -> list[tuple[int, int]]:
    """Pairs whose hashes differ in few bits.

    Args:
        first (np.ndarray): uint64 of shape (N,).
        second (np.ndarray): uint64 of shape (M,); the same array finds the pairs within it, each once.
        most (int): Bits that may differ. Defaults to 4.

    Returns:
        list[tuple[int, int]]: Places in the first and in the second, in order.
    """
    within = first is second
    found = []
    for start in range(0, len(first), BLOCK):
        rows = first[start : start + BLOCK]
        for begin in range(start if within else 0, len(second), BLOCK):
            differs = rows[:, None] ^ second[None, begin : begin + BLOCK]
            words = differs.view(np.uint16).reshape(*differs.shape, 4)
            near = BITS[words].sum(-1, dtype=np.uint8) <= most
            pairs = np.argwhere(near) + np.array([start, begin])
            found += [(int(i), int(j)) for i, j in pairs if not within or i < j]
    return sorted(found)
