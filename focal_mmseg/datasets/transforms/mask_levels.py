"""Levels of grey in a mask that are neither black nor white, nor an edge between the two."""

import cv2
import numpy as np

# A mask of few values holds labels or colours, or edges at most so many pixels wide.
FEW_VALUES, NARROW = 16, 5
# One of many values holds noise of JPEG, whose blocks beside an edge are flat over 8 pixels, up to a certain level, or
# soft edges, which are flat where two of them meet, but no more common there than the levels around.
WIDE, PEAK = 9, 3
NOISE = 16


def stray_levels(grey: np.ndarray, unit: int, threshold: int, forged_is: str) -> list[int]:
    """Levels that cover an area and would count as pristine without being the darkest (or brightest) that does.

    A level covers an area if a window of 5x5 pixels has no other, or in a mask of more than 16 values a window of 9x9,
    and it is more common than the levels around it: an edge between black and white, soft or not, has no such place.

    Args:
        grey (np.ndarray): uint8 or uint16 of shape (H, W), with values above ``threshold * unit``.
        unit (int): What makes 255 the highest value: 1, or 257 for 16 bits.
        threshold (int): White is above it, in 0..254.
        forged_is (str): ``'white'`` or ``'black'``.

    Returns:
        list[int]: Values in ``grey``, in order; as a rule none.
    """
    counts = _histogram(grey)
    values = np.flatnonzero(counts)
    few = len(values) <= FEW_VALUES
    low, high = _open_range(values, unit, threshold, forged_is, few)
    if not ((values >= low) & (values <= high)).any():
        return []
    areas = (
        _areas(grey, NARROW, 0) if few else [each for each in _areas(grey, WIDE, unit) if _peaks(counts, each, unit)]
    )
    # Noise is near black and white even where there is little of it.
    sure = set(_areas(grey, WIDE, 0)) if few else set()
    # The ground itself, which in masks of video, for one, is 16 or 235, and with its noise.
    ground = areas[0 if forged_is == 'white' else -1] if areas else 0
    near = 0 if ground <= 1 or ground >= 254 * unit else (2 if forged_is == 'white' else NOISE) * unit
    stray = [level for level in areas if low <= level <= high and abs(level - ground) > near]
    return [level for level in stray if NOISE * unit <= level <= (255 - NOISE) * unit or level in sure]


def _areas(grey: np.ndarray, side: int, spread: int) -> list[int]:
    """Levels that fill a window of a side, up to a spread; in order."""
    window = np.ones((side, side), np.uint8)
    return np.unique(grey[cv2.dilate(grey, window) - cv2.erode(grey, window) <= spread]).tolist()


def _peaks(counts: np.ndarray, level: int, unit: int) -> bool:
    """Whether a level is more common than those some steps around it."""

    def share(low: int, high: int) -> float:
        part = counts[max(0, level + low * unit) : max(0, level + high * unit + 1)]
        return part.sum() / max(1, len(part))

    return share(-1, 1) >= PEAK * max(share(-15, -4), share(4, 15))


def shares(grey: np.ndarray, unit: int, levels: list[int]) -> str:
    """The levels of a mask with their shares of its pixels, for people: those given, and the others that are common."""
    counts = _histogram(grey)
    common = {int(level) for level in np.flatnonzero(counts > grey.size / 100)} | set(levels[:8])
    if len(common) > FEW_VALUES:
        common = set(levels[:8]) | {int(np.flatnonzero(counts)[0]), int(np.flatnonzero(counts)[-1])}
    return ', '.join(f'{level} ({counts[level] / grey.size:.1%})' for level in sorted(common))


def _histogram(grey: np.ndarray) -> np.ndarray:
    """How many pixels each value has, of shape (256,) or (65536,)."""
    size = 2 ** (8 * grey.itemsize)
    return cv2.calcHist([grey], [0], None, [size], [0, size]).ravel().astype(np.int64)


def _open_range(values: np.ndarray, unit: int, threshold: int, forged_is: str, few: bool) -> tuple[int, int]:
    """The lowest and highest value that count as pristine, without those that are black (or white) anywhere."""
    if forged_is == 'black':
        return threshold * unit + 1, (253 if few else 255 - NOISE) * unit
    # Of 0, 1 and one more value 1 is a label, as in VOC's masks with 255 for what does not count.
    labels = len(values) == 3 and values[1] == 1
    return (1 if labels else 2 if few else NOISE * unit), threshold * unit
