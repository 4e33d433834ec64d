"""Pixels counted, and the metrics that need nothing else."""

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Counts:
    """Pixels of an image, or of many.

    Attributes:
        tp (int): Forged in truth and prediction.
        fp (int): Forged in the prediction alone.
        fn (int): Forged in the truth alone.
        tn (int): Pristine in both.

    Example:
        >>> import numpy as np
        >>> counts = Counts.from_masks(np.array([1, 1, 0, 0], bool), np.array([1, 0, 1, 0], bool))
        >>> counts
        Counts(tp=1, fp=1, fn=1, tn=1)
        >>> counts.forged_f1
        0.5
    """

    tp: int
    fp: int
    fn: int
    tn: int

    @classmethod
    def from_masks(cls, forged: np.ndarray, truth: np.ndarray) -> 'Counts':
        """Count bool arrays of one shape.

        Args:
            forged (np.ndarray): The predicted mask, bool of any shape.
            truth (np.ndarray): The true one, bool of the same shape.
        """
        tp, called, real = (int(np.count_nonzero(each)) for each in (forged & truth, forged, truth))
        return cls(tp, called - tp, real - tp, truth.size - called - real + tp)

    def __add__(self, other: 'Counts') -> 'Counts':
        """The counts of two images together."""
        return Counts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.tn + other.tn)

    @property
    def forged_f1(self) -> float:
        """F1 of the forged class; 1 where it is in neither mask."""
        return _f1(self.tp, self.fp, self.fn)

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the two classes (eq. 5); a class that is in neither mask counts as 1."""
        return (self.forged_f1 + _f1(self.tn, self.fn, self.fp)) / 2

    @property
    def permuted_f1(self) -> float:
        """The larger F1 of the forged class, of the mask and of its inverse."""
        return max(self.forged_f1, _f1(self.fn, self.tn, self.tp))

    @property
    def iou(self) -> float:
        """Intersection over union of the forged class (eq. 6); 1 where it is in neither mask."""
        union = self.tp + self.fp + self.fn
        return self.tp / union if union else 1.0

    @property
    def mcc(self) -> float:
        """Matthews' correlation; 0 where the prediction is one class, NaN where the truth is."""
        real, clean = self.tp + self.fn, self.tn + self.fp
        if not real or not clean:
            return math.nan
        called, left = self.tp + self.fp, self.tn + self.fn
        if not called or not left:
            return 0.0
        # Roots first: the product of four counts of a large set is beyond a float's whole numbers.
        scale = math.sqrt(real) * math.sqrt(clean) * math.sqrt(called) * math.sqrt(left)
        return min(1.0, max(-1.0, (self.tp * self.tn - self.fp * self.fn) / scale))


def _f1(tp: int, fp: int, fn: int) -> float:
    counted = 2 * tp + fp + fn
    return 2 * tp / counted if counted else 1.0
