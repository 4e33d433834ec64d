"""The figures of one picture; docs/metrics.md has their formulas and who uses which."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

# Those that the rule for pristine pictures concerns.
OVERLAPS = ('macro_f1', 'forged_f1', 'permuted_f1', 'border_f1', 'iou')
FIGURES = (*OVERLAPS, 'best_f1', 'mcc', 'auc', 'ap', 'false_alarm')
# The band around a forgery's border that TruFor and SAFIRE do not score: pixels within 7 inside and 5 outside.
ERODED, DILATED = 15, 11


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


def ranking_figures(score: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """AUC, average precision and the best F1 over all thresholds, from one sorting.

    Args:
        score (np.ndarray): float of shape (P,), higher means more likely forged.
        truth (np.ndarray): bool of shape (P,).

    Returns:
        dict[str, float]: ``auc``, ``ap``, ``best_f1``: scikit-learn's ``roc_auc_score``, ``average_precision_score``
        and the maximum of its precision-recall curve's F1. NaN unless both classes occur.
    """
    real = int(np.count_nonzero(truth))
    if not 0 < real < truth.size:
        return dict.fromkeys(('auc', 'ap', 'best_f1'), math.nan)
    order = np.argsort(-score, kind='stable')
    hits = np.cumsum(truth[order])
    # Equal scores are one threshold: its last place counts.
    last = np.append(np.flatnonzero(np.diff(score[order])), truth.size - 1)
    return curve_figures(hits[last], last + 1 - hits[last])


def curve_figures(hits: np.ndarray, misses: np.ndarray) -> dict[str, float]:
    """The same from the numbers of forged and pristine pixels at or above each threshold, from high to low.

    Args:
        hits (np.ndarray): int of shape (T,), the last one all forged pixels.
        misses (np.ndarray): int of shape (T,), the last one all pristine pixels.

    Returns:
        dict[str, float]: See :func:`ranking_figures`.
    """
    real, clean = float(hits[-1]), float(misses[-1])
    if not real or not clean:
        return dict.fromkeys(('auc', 'ap', 'best_f1'), math.nan)
    recall, fallout = np.append(0, hits) / real, np.append(0, misses) / clean
    called = hits + misses
    precision = hits / np.maximum(called, 1)
    return dict(
        auc=float((np.diff(fallout) * (recall[1:] + recall[:-1]) / 2).sum()),
        ap=float((np.diff(recall) * precision).sum()),
        best_f1=float((2 * hits / (called + real)).max()),
    )


def off_the_border(truth: np.ndarray) -> np.ndarray | None:
    """Which pixels are scored if a band around the forgery's border is not.

    Args:
        truth (np.ndarray): bool of shape (H, W).

    Returns:
        np.ndarray | None: bool of shape (H, W); None where a forgery is so thin that none of it is left.
    """
    plane = truth.astype(np.uint8)
    inside = cv2.erode(plane, np.ones((ERODED, ERODED), np.uint8)) > 0
    outside = cv2.dilate(plane, np.ones((DILATED, DILATED), np.uint8)) == 0
    return inside | outside if inside.any() or not truth.any() else None


def picture_figures(
    forged: np.ndarray, score: np.ndarray, truth: np.ndarray, scored: np.ndarray | None = None
) -> dict[str, float]:
    """All figures of one picture.

    Args:
        forged (np.ndarray): bool of shape (H, W), the predicted mask.
        score (np.ndarray): float of shape (H, W), higher means more likely forged.
        truth (np.ndarray): bool of shape (H, W).
        scored (np.ndarray, optional): bool of shape (H, W), the pixels that count. Defaults to all.

    Returns:
        dict[str, float]: ``FIGURES`` by name. ``best_f1``, ``mcc``, ``auc`` and ``ap`` are NaN unless both classes
        occur in the truth, ``false_alarm`` (the share of pixels called forged) unless the truth is empty, ``border_f1``
        where the band leaves nothing of the forgery. All are NaN where no pixel counts.
    """
    scored = np.ones_like(truth) if scored is None else scored
    if not scored.any():
        return dict.fromkeys(FIGURES, math.nan)
    counts = Counts.of(forged[scored], truth[scored])
    kept = off_the_border(truth & scored)
    figures = {name: getattr(counts, name) for name in ('macro_f1', 'forged_f1', 'permuted_f1', 'iou', 'mcc')}
    figures |= ranking_figures(score[scored], truth[scored])
    figures['border_f1'] = math.nan
    if kept is not None:
        kept = kept & scored
        figures['border_f1'] = Counts.of(forged[kept], truth[kept]).forged_f1
    is_pristine = not counts.both + counts.missed
    figures['false_alarm'] = counts.extra / (counts.extra + counts.neither) if is_pristine else math.nan
    return {name: float(figures[name]) for name in FIGURES}
