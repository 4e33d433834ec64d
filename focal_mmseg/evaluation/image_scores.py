"""One score an image, from its score map: how sure is it that something in it is forged?"""

from collections.abc import Callable

import numpy as np


def _top(share: float) -> Callable[[np.ndarray], float]:
    """The mean of the highest scores."""

    def score(plane: np.ndarray) -> float:
        count = max(1, round(share * plane.size))
        return float(np.partition(plane.ravel(), plane.size - count)[-count:].mean())

    return score


# By name, from float (P,) in [0, 1] to a number in [0, 1].
IMAGE_SCORES: dict[str, Callable[[np.ndarray], float]] = {
    'max': lambda plane: float(plane.max()),
    'mean': lambda plane: float(plane.mean()),
    'top1': _top(0.01),
    'top10': _top(0.1),
    'forged_share': lambda plane: float((plane > 0.5).mean()),
}
