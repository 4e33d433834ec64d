"""Pixels counted, and the figures that need nothing else."""

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Counts:
    """Pixels of a picture, or of many.

    Attributes:
        both (int): Forged in truth and prediction.
        extra (int): Forged in the prediction alone.
        missed (int): Forged in the truth alone.
        neither (int): Pristine in both.
    """

    both: int
    extra: int
    missed: int
    neither: int

    @classmethod
    def of(cls, forged: np.ndarray, truth: np.ndarray) -> 'Counts':
        """Count bool arrays of one shape."""
        both, called, real = (int(np.count_nonzero(each)) for each in (forged & truth, forged, truth))
        return cls(both, called - both, real - both, truth.size - called - real + both)

    def __add__(self, other: 'Counts') -> 'Counts':
        """The counts of two pictures together."""
        return Counts(
            self.both + other.both,
            self.extra + other.extra,
            self.missed + other.missed,
            self.neither + other.neither,
        )

    @property
    def forged_f1(self) -> float:
        """F1 of the forged class; 1 where it is in neither."""
        return _f1(self.both, self.extra, self.missed)

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the two classes (eq. 5); a class that is in neither counts as 1."""
        return (self.forged_f1 + _f1(self.neither, self.missed, self.extra)) / 2

    @property
    def permuted_f1(self) -> float:
        """The larger F1 of the forged class, of the mask and of its inverse."""
        return max(self.forged_f1, _f1(self.missed, self.neither, self.both))

    @property
    def iou(self) -> float:
        """Intersection over union of the forged class (eq. 6); 1 where it is in neither."""
        union = self.both + self.extra + self.missed
        return self.both / union if union else 1.0

    @property
    def mcc(self) -> float:
        """Matthews' correlation; 0 where the prediction is one class, NaN where the truth is."""
        real, clean = self.both + self.missed, self.neither + self.extra
        if not real or not clean:
            return math.nan
        called, left = self.both + self.extra, self.neither + self.missed
        if not called or not left:
            return 0.0
        # Roots first: the product of four counts of a large set is beyond a float's whole numbers.
        scale = math.sqrt(real) * math.sqrt(clean) * math.sqrt(called) * math.sqrt(left)
        return min(1.0, max(-1.0, (self.both * self.neither - self.extra * self.missed) / scale))


def _f1(both: int, extra: int, missed: int) -> float:
    counted = 2 * both + extra + missed
    return 2 * both / counted if counted else 1.0
