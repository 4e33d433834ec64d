"""The operating curve: what is found of forgeries at each level of false alarms, of one threshold for all images."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

LEVEL, AREA_TO = 0.05, 0.1
OPERATING_METRICS = ('iou', 'forged_f1', 'sensitivity', 'area')
CURVE_METRICS = OPERATING_METRICS[:3]


@dataclass(frozen=True)
class OperatingCurve:
    """Metrics at each threshold of the score, from the highest threshold, at which nothing is called forged, down.

    Attributes:
        false_alarms (np.ndarray): float64 of shape (T,), rising from 0: the mean over pristine images of the share of
            their pixels that is called forged.
        metrics (Mapping[str, np.ndarray]): ``iou`` and ``forged_f1``, the means over forged images, and
            ``sensitivity``, the share of forged images with a pixel called forged; float64 of shape (T,).
    """

    false_alarms: np.ndarray
    metrics: Mapping[str, np.ndarray]

    def metrics_at(self, level: float) -> dict[str, float]:
        """``metrics`` at the lowest threshold that keeps false alarms at most at a level."""
        place = self.place_of(level)
        return {name: float(values[place]) for name, values in self.metrics.items()}

    def place_of(self, level: float) -> int:
        """Where that threshold stands; it is the same threshold at this place of every curve."""
        return int(np.searchsorted(self.false_alarms, level, side='right')) - 1

    @property
    def area(self) -> float:
        """The mean IoU over the levels of false alarms from 0 to 0.1."""
        ends = np.append(self.false_alarms, 1).clip(max=AREA_TO)
        return float((np.diff(ends) * self.metrics['iou']).sum() / AREA_TO)


def operating_curve(rows: Sequence[dict]) -> OperatingCurve | None:
    """The curve of some images, in steps of the score.

    Args:
        rows (Sequence[dict]): An image each: ``is_pristine``, and ``histogram`` of :func:`.pooling.score_histogram`.

    Returns:
        OperatingCurve | None: None unless there are forged and pristine images.
    """
    return next(_Curves(rows).drawn(np.ones((1, len(rows)))))


def operating_metrics(rows: Sequence[dict]) -> dict[str, float]:
    """Metrics at 5 % false alarms, and the area.

    Args:
        rows (Sequence[dict]): See :func:`operating_curve`.

    Returns:
        dict[str, float]: ``OPERATING_METRICS`` by name, NaN unless there are forged and pristine images.
    """
    return _metrics(operating_curve(rows))


def resampled_operating_metrics(rows: Sequence[dict], draws: np.ndarray) -> dict[str, np.ndarray]:
    """The same of images that are drawn anew.

    Args:
        rows (Sequence[dict]): See :func:`operating_curve`, N of them.
        draws (np.ndarray): float64 of shape (R, N): how often each image is drawn.

    Returns:
        dict[str, np.ndarray]: float64 of shape (R,), by the names of ``OPERATING_METRICS``.
    """
    found = [_metrics(curve) for curve in resampled_curves(rows, draws)]
    return {name: np.array([each[name] for each in found]) for name in OPERATING_METRICS}


def resampled_curves(rows: Sequence[dict], draws: np.ndarray) -> Iterator[OperatingCurve | None]:
    """The curve of images that are drawn anew, see :func:`resampled_operating_metrics`; one a draw."""
    return _Curves(rows).drawn(draws)


def _metrics(curve: OperatingCurve | None) -> dict[str, float]:
    if curve is None:
        return dict.fromkeys(OPERATING_METRICS, math.nan)
    return curve.metrics_at(LEVEL) | dict(area=curve.area)


class _Curves:
    """The curves of single images, of which any may be drawn any number of times.

    Args:
        rows (Sequence[dict]): See :func:`operating_curve`.
    """

    def __init__(self, rows: Sequence[dict]) -> None:
        counts = np.stack([row['histogram'] for row in rows]).astype(np.float32).cumsum(2)
        # Before the first step nothing is called forged.
        hits, misses = np.pad(counts, ((0, 0), (0, 0), (1, 0))).transpose(1, 0, 2)
        forged, clean = hits[:, -1:], misses[:, -1:]
        # A forgery that a low resolution lost is neither forged nor pristine.
        self._is_forged = forged[:, 0] > 0
        self._is_pristine = np.array([row['is_pristine'] for row in rows]) & (clean[:, 0] > 0)
        self._shares = misses[self._is_pristine] / clean[self._is_pristine]
        hits, misses, forged = (each[self._is_forged] for each in (hits, misses, forged))
        self._found = dict(
            iou=hits / (forged + misses),
            forged_f1=2 * hits / (forged + hits + misses),
            sensitivity=(hits + misses > 0).astype(np.float32),
        )

    def drawn(self, draws: np.ndarray) -> Iterator[OperatingCurve | None]:
        """The mean curve for each of the draws (R, N); None where no forged or no pristine image is drawn."""
        # Single precision: half the memory and time.
        draws = draws.astype(np.float32)
        forged, pristine = draws[:, self._is_forged], draws[:, self._is_pristine]
        totals = {name: forged @ values for name, values in self._found.items()}
        alarms = pristine @ self._shares
        for number, (weight, clean) in enumerate(zip(forged.sum(1), pristine.sum(1), strict=True)):
            if not weight or not clean:
                yield None
                continue
            # Rounding must not make it fall.
            false_alarms = np.maximum.accumulate(alarms[number] / clean)
            yield OperatingCurve(false_alarms, {name: values[number] / weight for name, values in totals.items()})
