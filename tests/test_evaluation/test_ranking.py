"""Figures over all thresholds, against scikit-learn's."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from focal_mmseg.evaluation.ranking import best_f1_of_either_polarity, curve_metrics, threshold_curve

STEPS = arrays.arrays(np.float32, 30, elements=st.sampled_from([0.0, 0.25, 0.5, 1.0]))


@settings(deadline=None, max_examples=80)
@given(arrays.arrays(bool, 30), STEPS)
def test_ties_in_the_score_count_as_scikit_learns(truth, score) -> None:
    order = np.argsort(-score, kind='stable')
    found = curve_metrics(*threshold_curve(score[order], truth[order]))
    if truth.all() or not truth.any():
        assert all(math.isnan(value) for value in found.values())
        return
    precision, recall, _ = precision_recall_curve(truth, score)
    best = (2 * precision * recall / np.maximum(precision + recall, 1e-12)).max()
    expected = dict(auc=roc_auc_score(truth, score), ap=average_precision_score(truth, score), best_f1=best)
    assert found == pytest.approx(expected, abs=1e-9)


def test_without_forged_pixels_a_ranking_says_nothing() -> None:
    assert all(math.isnan(value) for value in curve_metrics(np.zeros(4, int), np.arange(4)).values())
    assert math.isnan(best_f1_of_either_polarity(np.zeros(4, int), np.arange(4)))
