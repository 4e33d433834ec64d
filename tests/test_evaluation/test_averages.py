"""Averages and their intervals."""

import math

import numpy as np
import pytest

from focal_mmseg.evaluation.averages import average_metrics, confidence_intervals
from focal_mmseg.evaluation.localisation import LOCALISATION_METRICS


def row(iou: float, is_pristine: bool = False, **others: float) -> dict:
    return dict.fromkeys(LOCALISATION_METRICS, math.nan) | dict(iou=iou, is_pristine=is_pristine) | others


@pytest.mark.parametrize(('rule', 'iou'), [('paper', (0.2 + 0.6 + 1) / 3), ('zero', 0.8 / 3), ('exclude', 0.4)])
def test_rules_for_pristine_images(rule: str, iou: float) -> None:
    rows = [row(0.2, auc=0.9), row(0.6), row(1.0, True, false_alarm=0.0)]
    found = average_metrics(rows, rule)
    assert rule != 'exclude' or average_metrics(rows)['iou'] == found['iou']
    assert (found['iou'], found['auc'], found['false_alarm']) == pytest.approx((iou, 0.9, 0.0))
    assert math.isnan(found['mcc'])


def test_an_interval_holds_the_mean_and_narrows_with_more_images() -> None:
    rng = np.random.default_rng(0)
    widths = []
    for number in (20, 500):
        rows = [row(value) for value in rng.random(number)]
        low, high = confidence_intervals(rows)['iou']
        assert low < average_metrics(rows)['iou'] < high
        widths.append(high - low)
        # The normal approximation: 3.92 standard errors wide.
        error = np.std([each['iou'] for each in rows]) / math.sqrt(number)
        assert high - low == pytest.approx(3.92 * error, rel=0.15)
    assert widths[1] < widths[0]
    assert all(math.isnan(end) for end in confidence_intervals(rows)['mcc'])
    assert confidence_intervals(rows)['iou'] == confidence_intervals(rows)['iou']


def test_an_interval_is_of_the_images_that_define_the_figure() -> None:
    rng = np.random.default_rng(0)
    rows = [row(value, auc=value if number % 2 else math.nan) for number, value in enumerate(rng.random(400))]
    found = confidence_intervals(rows)
    widths = {name: found[name][1] - found[name][0] for name in ('iou', 'auc')}
    assert widths['auc'] == pytest.approx(math.sqrt(2) * widths['iou'], rel=0.2)
    assert all(math.isnan(end) for end in confidence_intervals([])['iou'])
