"""What a rule finds on images that chose neither the rule nor its threshold."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from focal_mmseg.evaluation.operating import OperatingCurve, resampled_curves

from .rule_metrics import LEVELS

# By set, by rule, an image each: rows of compute_image_row.
Rows = Mapping[str, Mapping[str, Sequence[dict]]]


@dataclass(frozen=True)
class HeldOut:
    """A level of false alarms on a set, the means over the draws.

    Attributes:
        iou (float): Over the forged images that were held out, by the rule and threshold of the others.
        low (float): 2.5 % of the draws have less.
        high (float): 2.5 % of the draws have more.
        false_alarm (float): What the threshold gave on the pristine images that were held out.
        alone (float | None): The IoU, on the same images, of the clusterer that the result is compared with.
        rule (str): The one that was chosen most often.
        share (float): Of the draws that chose it.
    """

    iou: float
    low: float
    high: float
    false_alarm: float
    alone: float | None
    rule: str
    share: float


def measure_held_out(rows: Rows, draws: int, alone: str | None = None) -> dict[str, dict[float, HeldOut]]:
    """Choose on one random half of the images of all sets, measure on the other half.

    For each level the rule is chosen whose IoU at the level, the mean over the sets, is highest on the first halves.
    Its threshold on a set is that of the first half too.

    Args:
        rows (Mapping): By set, then by rule; the rules of all sets are the same.
        draws (int): Number of random halves.
        alone (str, optional): A rule that is a gate over a clusterer, which is measured alone on the second halves.

    Returns:
        dict: By set, then by level.

    Raises:
        ValueError: If a half of a set has no forged or no pristine image.
    """
    rng = np.random.default_rng(0)
    halves = {name: _random_halves(len(next(iter(own.values()))), draws, rng) for name, own in rows.items()}
    chosen_from = {name: _curves_by_rule(own, halves[name], name) for name, own in rows.items()}
    choices = {level: _choose(chosen_from, level) for level in LEVELS}
    found = {}
    for name, own in rows.items():
        second = _curves_by_rule(own, 1 - halves[name], name)
        ious = None if alone is None else _mean_own_iou(own[alone], 1 - halves[name])
        found[name] = {
            level: _summarise(chosen_from[name], second, choice, level, ious) for level, choice in choices.items()
        }
    return found


def _random_halves(images: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Which images the first half has, 1 or 0 of shape (draws, images)."""
    return rng.permuted(np.tile(np.arange(images) % 2, (draws, 1)), axis=1)


def _curves_by_rule(
    rows: Mapping[str, Sequence[dict]], weights: np.ndarray, name: str
) -> dict[str, list[OperatingCurve]]:
    """The curve of each rule on each draw."""
    found = {}
    for rule, own in rows.items():
        curves = [curve for curve in resampled_curves(own, weights) if curve is not None]
        if len(curves) < len(weights):
            raise ValueError(f'{name} has too few images: a half of it has no forged or no pristine one')
        found[rule] = curves
    return found


def _choose(curves: Mapping[str, Mapping[str, Sequence[OperatingCurve]]], level: float) -> list[str]:
    """The best rule of each draw."""
    rules = list(next(iter(curves.values())))
    ious = np.array(
        [[[curve.metrics_at(level)['iou'] for curve in own[rule]] for rule in rules] for own in curves.values()]
    )
    return [rules[each] for each in ious.mean(0).argmax(0)]


def _summarise(
    first: Mapping[str, Sequence[OperatingCurve]],
    second: Mapping[str, Sequence[OperatingCurve]],
    choice: Sequence[str],
    level: float,
    alone: np.ndarray | None,
) -> HeldOut:
    ious, alarms = [], []
    for draw, rule in enumerate(choice):
        place = first[rule][draw].place_of(level)
        ious.append(second[rule][draw].metrics['iou'][place])
        alarms.append(second[rule][draw].false_alarms[place])
    low, high = np.percentile(ious, (2.5, 97.5))
    rule, times = Counter(choice).most_common(1)[0]
    return HeldOut(
        iou=float(np.mean(ious)),
        low=float(low),
        high=float(high),
        false_alarm=float(np.mean(alarms)),
        alone=None if alone is None else float(alone.mean()),
        rule=rule,
        share=times / len(choice),
    )


def _mean_own_iou(rows: Sequence[dict], weights: np.ndarray) -> np.ndarray:
    """The mean IoU of the clusterer alone over the forged images of each draw, (draws,)."""
    ious = np.array([row['own_iou'] for row in rows])
    forged = np.isfinite(ious)
    return (weights[:, forged] * ious[forged]).sum(1) / weights[:, forged].sum(1)
