"""Two levels in a map of noise levels: the smaller part is forged."""

from dataclasses import dataclass

import numpy as np

# How sharply the score goes from 0 to 1 between the two levels: at a level itself it is 0.018 or 0.982.
STEEPNESS = 4.0


@dataclass(frozen=True)
class TwoLevels:
    """A map of noise levels, divided in two.

    Attributes:
        pristine (float): The level of the larger part.
        forged (float): That of the smaller part; of a map with one level the same.
        score (np.ndarray): float64 in [0, 1] of the map's shape: above 1/2 where it is forged, 0 everywhere in a map
            with one level.
    """

    pristine: float
    forged: float
    score: np.ndarray


def require_trim(trim: float) -> None:
    """Refuse a share that leaves nothing.

    Raises:
        ValueError: If ``trim`` is not in [0, 1).
    """
    if not 0 <= trim < 1:
        raise ValueError(f'trim must be in [0, 1), got {trim}')


def two_levels(levels: np.ndarray, trim: float = 0.0) -> TwoLevels:
    """K-means with two clusters on single numbers, exactly: the cut with the least squares on both sides of it.

    It always finds two parts where the levels differ, so that a pristine image gets a forged area too. The score is
    a logistic function of the difference of the squared distances to the two levels (ours; the papers give none): it
    rises or falls with the noise level all the way, so that a ranking by it is one by the noise level.

    Args:
        levels (np.ndarray): Finite, of any shape.
        trim (float): Share of the values, in [0, 1), that are brought down to the next lower one before the clustering,
            so that a few textured cells are not a cluster; nor is then a noisier region of a smaller share. Defaults to
            0; the released code of Zeng et al. has 0.05.

    Returns:
        TwoLevels: Of parts of the same size, the noisier one is forged.

    Raises:
        ValueError: If there is no value, one is not finite, or ``trim`` is out of its range.
    """
    if not levels.size or not np.isfinite(levels).all():
        raise ValueError('expected at least one level, all of them finite')
    require_trim(trim)
    values = np.sort(levels, axis=None)
    values = np.minimum(values, values[-1 - int(trim * len(values))])
    if values[0] == values[-1]:
        return TwoLevels(float(values[0]), float(values[0]), np.zeros(levels.shape))
    cut = _best_cut(values)
    low, high = values[:cut].mean(), values[cut:].mean()
    pristine, forged = (low, high) if 2 * cut >= len(values) else (high, low)
    towards = (levels - (pristine + forged) / 2) / (forged - pristine)
    return TwoLevels(float(pristine), float(forged), 1 / (1 + np.exp((-2 * STEEPNESS * towards).clip(-700, 700))))


def _best_cut(values: np.ndarray) -> int:
    """How many of the sorted values, of which two differ, are in the lower cluster."""
    centred = values - values.mean()
    sums = centred.cumsum()[:-1]
    below = np.arange(1, len(values))
    # The squares within the parts are least where those between them are most.
    between = sums**2 / below + sums**2 / (len(values) - below)
    between[values[1:] == values[:-1]] = -1
    return int(between.argmax()) + 1
