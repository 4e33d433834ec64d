"""Several trainings of one model, and two models image by image."""

import math

import numpy as np
import pytest
from scipy.stats import bootstrap

from focal_mmseg.evaluation.averages import average_metrics
from focal_mmseg.evaluation.localisation import LOCALISATION_METRICS
from focal_mmseg.evaluation.paired import average_trainings, paired_difference


def rows_of(values: list[float], dataset: str = 'a') -> list[dict]:
    return [
        dict(
            dataset=dataset,
            kind='',
            image=str(number),
            is_pristine=False,
            **dict.fromkeys(LOCALISATION_METRICS, value),
        )
        for number, value in enumerate(values)
    ]


def test_the_average_over_trainings_is_the_mean_of_their_averages() -> None:
    trainings = [rows_of([0.2, 0.4]), rows_of([0.6, 0.1]), rows_of([0.7, 0.7])]
    merged = average_trainings(trainings)
    assert [row['iou'] for row in merged] == pytest.approx([0.5, 0.4])
    assert average_metrics(merged)['iou'] == pytest.approx(
        np.mean([average_metrics(rows)['iou'] for rows in trainings])
    )


def test_images_that_one_training_lacks_are_left_out_and_undefined_figures_stay_so() -> None:
    merged = average_trainings([rows_of([0.2, math.nan, 0.9]), rows_of([0.4, math.nan])])
    assert [row['image'] for row in merged] == ['0', '1']
    assert merged[0]['iou'] == pytest.approx(0.3) and math.isnan(merged[1]['iou'])


def test_a_difference_is_paired_and_its_interval_that_of_scipy() -> None:
    rng = np.random.default_rng(0)
    hard = rng.uniform(0, 0.8, 80)
    gain = rng.normal(0.05, 0.05, 80)
    mean, low, high = paired_difference(rows_of(list(hard + gain)), rows_of(list(hard)), 'iou', resamples=4000)
    assert mean == pytest.approx(gain.mean())
    theirs = bootstrap((gain,), np.mean, n_resamples=4000, method='percentile', random_state=1).confidence_interval
    assert (low, high) == pytest.approx(tuple(theirs), abs=0.002)
    # Images differ far more than the two models do.
    assert high - low < 0.05 * 2 and low > 0


def test_only_images_that_both_define_count() -> None:
    mean, low, high = paired_difference(rows_of([0.5, 0.9, math.nan]), rows_of([0.4, math.nan, 0.1, 0.3]), 'iou')
    assert (mean, low, high) == pytest.approx((0.1, 0.1, 0.1))
    assert all(math.isnan(value) for value in paired_difference(rows_of([0.5]), rows_of([0.5], 'b'), 'iou'))


def test_pristine_images_count_by_the_rule_that_the_averages_have() -> None:
    ours, theirs = rows_of([0.2, 0.3, 1.0]), rows_of([0.6, 0.5, 0.0])
    for rows in (ours, theirs):
        rows[2]['is_pristine'] = True
    for rule in ('paper', 'zero', 'exclude'):
        gain = average_metrics(ours, rule)['iou'] - average_metrics(theirs, rule)['iou']
        assert paired_difference(ours, theirs, 'iou', rule)[0] == pytest.approx(gain)
    assert paired_difference(ours, theirs, 'iou', 'paper')[0] > 0 > paired_difference(ours, theirs, 'iou')[0]
    with pytest.raises(ValueError, match='pristine must be one of'):
        paired_difference(ours, theirs, 'iou', 'ignored')
