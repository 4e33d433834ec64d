"""Averages, pooling, intervals and the picture as a whole, against definitions written out and scikit-learn's."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, roc_auc_score

from focal_mmseg.evaluation.averages import average, intervals, of_pictures, pooled, ranking_of
from focal_mmseg.evaluation.image_scores import IMAGE_SCORES
from focal_mmseg.evaluation.picture_figures import FIGURES, curve_figures


def row(iou: float, is_pristine: bool = False, **others: float) -> dict:
    return dict.fromkeys(FIGURES, math.nan) | dict(iou=iou, is_pristine=is_pristine) | others


@pytest.mark.parametrize(('rule', 'iou'), [('paper', (0.2 + 0.6 + 1) / 3), ('zero', 0.8 / 3), ('left out', 0.4)])
def test_rules_for_pristine_pictures(rule: str, iou: float) -> None:
    rows = [row(0.2, auc=0.9), row(0.6), row(1.0, True, false_alarm=0.0)]
    found = average(rows, rule)
    assert (found['iou'], found['auc'], found['false_alarm']) == pytest.approx((iou, 0.9, 0.0))
    assert math.isnan(found['mcc'])


def test_an_interval_holds_the_mean_and_narrows_with_more_pictures() -> None:
    rng = np.random.default_rng(0)
    widths = []
    for number in (20, 500):
        rows = [row(value) for value in rng.random(number)]
        low, high = intervals(rows)['iou']
        assert low < average(rows)['iou'] < high
        widths.append(high - low)
        # The normal approximation: 3.92 standard errors wide.
        error = np.std([each['iou'] for each in rows]) / math.sqrt(number)
        assert high - low == pytest.approx(3.92 * error, rel=0.15)
    assert widths[1] < widths[0]
    assert all(math.isnan(end) for end in intervals(rows)['mcc'])
    assert intervals(rows)['iou'] == intervals(rows)['iou']


def test_pooling_needs_no_pixels() -> None:
    rng = np.random.default_rng(0)
    scores = [rng.integers(0, 256, 50 + number) / 256 for number in range(3)]
    truths = [rng.random(50 + number) < 0.3 for number in range(3)]
    rows = []
    for score, truth in zip(scores, truths, strict=True):
        forged = score > 0.5
        counts = dict(both=forged & truth, extra=forged & ~truth, missed=~forged & truth, neither=~forged & ~truth)
        rows.append({key: int(value.sum()) for key, value in counts.items()} | dict(ranking=ranking_of(score, truth)))
    score, truth = np.concatenate(scores), np.concatenate(truths)
    found = pooled(rows)
    assert found['auc'] == pytest.approx(roc_auc_score(truth, score))
    assert found['macro_f1'] == pytest.approx(f1_score(truth, score > 0.5, average='macro'))


def test_without_forged_pixels_a_ranking_says_nothing() -> None:
    assert all(math.isnan(value) for value in curve_figures(np.zeros(4, int), np.arange(4)).values())


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from([0.0, 0.3, 0.5, 0.7, 1.0]), st.booleans()), min_size=2, max_size=12))
def test_pictures_as_a_whole_are_scored_as_by_scikit_learn(pictures: list[tuple[float, bool]]) -> None:
    rows = [dict(image_score=s, is_pristine=not forged, both=0, extra=int(s > 0.5)) for s, forged in pictures]
    found = of_pictures(rows)
    score, truth = (np.array(each) for each in zip(*pictures, strict=True))
    if truth.all() or not truth.any():
        assert all(math.isnan(value) for value in found.values())
        return
    called = score > 0.5
    assert found == pytest.approx(
        dict(
            auc=roc_auc_score(truth, score),
            f1=f1_score(truth, called, zero_division=0.0),
            accuracy=accuracy_score(truth, called),
            balanced_accuracy=balanced_accuracy_score(truth, called),
        )
    )


@pytest.mark.parametrize('name', IMAGE_SCORES)
def test_image_scores_are_between_none_and_all(name: str) -> None:
    score = IMAGE_SCORES[name]
    assert (score(np.zeros((9, 7))), score(np.ones((9, 7)))) == (0, 1)
    plane = np.zeros((20, 20))
    plane[:4, :5] = 0.8
    expected = {'max': 0.8, 'mean': 0.04, 'top 1 %': 0.8, 'top 10 %': 0.4, 'forged share': 0.05}
    assert score(plane) == pytest.approx(expected[name])
