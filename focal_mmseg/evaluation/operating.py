"""The operating curve: what is found of forgeries at each level of false alarms, of one threshold for all images."""

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from focal_mmseg.utils import written_whole

LEVEL, AREA_TO, SHOWN_TO = 0.05, 0.1, 0.3
OPERATING = ('iou', 'forged_f1', 'sensitivity', 'area')
CURVES = OPERATING[:3]
COLUMNS = ('pictures', 'false_alarms', *CURVES)


@dataclass(frozen=True)
class OperatingCurve:
    """Figures at each threshold of the score, from the highest threshold, at which nothing is called forged, down.

    Attributes:
        false_alarms (np.ndarray): float64 of shape (T,), rising from 0: the mean over pristine images of the share of
            their pixels that is called forged.
        found (dict[str, np.ndarray]): ``iou`` and ``forged_f1``, the means over forged images, and ``sensitivity``, the
            share of forged images with a pixel called forged; float64 of shape (T,).
    """

    false_alarms: np.ndarray
    found: Mapping[str, np.ndarray]

    def at(self, level: float) -> dict[str, float]:
        """``found`` at the lowest threshold that keeps false alarms at most at a level."""
        place = np.searchsorted(self.false_alarms, level, side='right') - 1
        return {name: float(values[place]) for name, values in self.found.items()}

    @property
    def area(self) -> float:
        """The mean IoU over the levels of false alarms from 0 to 0.1."""
        ends = np.append(self.false_alarms, 1).clip(max=AREA_TO)
        return float((np.diff(ends) * self.found['iou']).sum() / AREA_TO)


def operating_curve(rows: Sequence[dict]) -> OperatingCurve | None:
    """The curve of some images, in steps of the score.

    Args:
        rows (Sequence[dict]): An image each: ``is_pristine``, and ``ranking`` of :func:`.pooling.ranking_of`.

    Returns:
        OperatingCurve | None: None unless there are forged and pristine images.
    """
    return next(_Curves(rows).drawn(np.ones((1, len(rows)))))


def operating(rows: Sequence[dict]) -> dict[str, float]:
    """Figures at 5 % false alarms, and the area.

    Args:
        rows (Sequence[dict]): See :func:`operating_curve`.

    Returns:
        dict[str, float]: ``OPERATING`` by name, NaN unless there are forged and pristine images.
    """
    return _figures(operating_curve(rows))


def operating_of_draws(rows: Sequence[dict], draws: np.ndarray) -> dict[str, np.ndarray]:
    """The same of images that are drawn anew.

    Args:
        rows (Sequence[dict]): See :func:`operating_curve`, N of them.
        draws (np.ndarray): float64 of shape (R, N): how often each image is drawn.

    Returns:
        dict[str, np.ndarray]: float64 of shape (R,), by the names of ``OPERATING``.
    """
    found = [_figures(curve) for curve in _Curves(rows).drawn(draws)]
    return {name: np.array([each[name] for each in found]) for name in OPERATING}


def _figures(curve: OperatingCurve | None) -> dict[str, float]:
    if curve is None:
        return dict.fromkeys(OPERATING, math.nan)
    return curve.at(LEVEL) | dict(area=curve.area)


class _Curves:
    """The curves of single images, of which any may be drawn any number of times.

    Args:
        rows (Sequence[dict]): See :func:`operating_curve`.
    """

    def __init__(self, rows: Sequence[dict]) -> None:
        counts = np.stack([row['ranking'] for row in rows]).astype(np.float32).cumsum(2)
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


def write_operating(path: Path, curves: Mapping[str, OperatingCurve]) -> None:
    """Write curves up to 30 % false alarms as a table, which is enough for :meth:`OperatingCurve.at` and the area.

    Args:
        path (Path): A CSV file to write.
        curves (Mapping[str, OperatingCurve]): By the name of a group of images.
    """
    with (
        written_whole(path) as part,
        part.open('w', newline='', encoding='utf-8', errors='surrogateescape') as file,
    ):
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for name, curve in curves.items():
            steps = np.stack([curve.false_alarms, *(curve.found[each] for each in CURVES)], 1)
            last = np.searchsorted(curve.false_alarms, SHOWN_TO, side='right')
            changes = np.append(True, (np.diff(steps[:last], axis=0) != 0).any(1))
            writer.writerows([name, *(f'{value:.6g}' for value in row)] for row in steps[:last][changes].tolist())


def read_operating(path: str | Path) -> dict[str, OperatingCurve]:
    """Read the file that :func:`write_operating` writes.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it has other columns.
    """
    with Path(path).open(newline='', encoding='utf-8', errors='surrogateescape') as file:
        rows = list(csv.DictReader(file))
    if rows and tuple(rows[0]) != COLUMNS:
        raise ValueError(f'{path} has other columns than {", ".join(COLUMNS)}: it is of another version, test again')
    names = dict.fromkeys(row['pictures'] for row in rows)
    points = {name: [row for row in rows if row['pictures'] == name] for name in names}
    return {
        name: OperatingCurve(
            np.array([float(row['false_alarms']) for row in own]),
            {each: np.array([float(row[each]) for row in own]) for each in CURVES},
        )
        for name, own in points.items()
    }
