"""The figures of one picture against scikit-learn's and definitions written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    jaccard_score,
    matthews_corrcoef,
    precision_recall_curve,
    roc_auc_score,
)

from focal_mmseg.evaluation.picture_figures import Counts, off_the_border, picture_figures, ranking_figures

SHAPES = st.tuples(st.integers(1, 8), st.integers(1, 8))
MASKS = SHAPES.flatmap(lambda shape: st.tuples(*[arrays.arrays(bool, shape)] * 2))
STEPS = arrays.arrays(np.float32, 30, elements=st.sampled_from([0.0, 0.25, 0.5, 1.0]))


def best_f1(truth: np.ndarray, score: np.ndarray) -> float:
    precision, recall, _ = precision_recall_curve(truth, score)
    return float((2 * precision * recall / np.maximum(precision + recall, 1e-12)).max())


def reference(forged: np.ndarray, score: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """All but the band's figure."""
    forged, score, truth = forged.ravel(), score.ravel(), truth.ravel()
    both = len(np.unique(truth)) == 2
    return dict(
        macro_f1=f1_score(truth, forged, average='macro'),
        forged_f1=f1_score(truth, forged, zero_division=1.0),
        permuted_f1=max(f1_score(truth, mask, zero_division=1.0) for mask in (forged, ~forged)),
        iou=jaccard_score(truth, forged, zero_division=1.0),
        best_f1=best_f1(truth, score) if both else np.nan,
        mcc=matthews_corrcoef(truth, forged) if both else np.nan,
        auc=roc_auc_score(truth, score) if both else np.nan,
        ap=average_precision_score(truth, score) if both else np.nan,
        false_alarm=np.nan if truth.any() else forged.mean(),
    )


def without_the_band(figures: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in figures.items() if name != 'border_f1'}


@settings(deadline=None, max_examples=150)
@given(MASKS)
def test_figures_are_scikit_learns(masks) -> None:
    forged, truth = masks
    score = np.linspace(0, 1, truth.size).reshape(truth.shape)
    found = without_the_band(picture_figures(forged, score, truth))
    assert found == pytest.approx(reference(forged, score, truth), abs=1e-9, nan_ok=True)


@settings(deadline=None, max_examples=80)
@given(arrays.arrays(bool, 30), STEPS)
def test_ties_in_the_score_count_as_scikit_learns(truth, score) -> None:
    found = ranking_figures(score, truth)
    expected = {name: reference(score > 0.5, score, truth)[name] for name in found}
    assert found == pytest.approx(expected, abs=1e-9, nan_ok=True)


@settings(deadline=None, max_examples=80)
@given(MASKS)
def test_figures_stay_in_range_and_a_perfect_mask_gets_one(masks) -> None:
    forged, truth = masks
    found = picture_figures(forged, forged.astype(float), truth)
    assert all(np.isnan(value) or (-1 if name == 'mcc' else 0) <= value <= 1 for name, value in found.items())
    perfect = picture_figures(truth, truth.astype(float), truth)
    ones = [value for name, value in perfect.items() if name != 'false_alarm' and not np.isnan(value)]
    assert ones == pytest.approx([1] * len(ones))


@settings(deadline=None, max_examples=80)
@given(MASKS)
def test_the_inverse_mask_has_the_same_permuted_f1_and_the_opposite_mcc(masks) -> None:
    forged, truth = masks
    mask, inverse = Counts.of(forged, truth), Counts.of(~forged, truth)
    assert mask.permuted_f1 == inverse.permuted_f1
    assert mask.mcc == pytest.approx(-inverse.mcc, nan_ok=True)


@settings(deadline=None, max_examples=80)
@given(MASKS, MASKS)
def test_counts_of_two_pictures_add_up(first, second) -> None:
    together = Counts.of(*(np.concatenate([a.ravel(), b.ravel()]) for a, b in zip(first, second, strict=True)))
    assert Counts.of(*first) + Counts.of(*second) == together


@pytest.mark.parametrize(
    ('forged', 'truth', 'iou', 'macro_f1', 'false_alarm'),
    (
        ([0, 0, 0, 0], [0, 0, 0, 0], 1.0, 1.0, 0.0),
        ([1, 0, 0, 0], [0, 0, 0, 0], 0.0, 3 / 7, 0.25),
        ([1, 1, 1, 1], [0, 0, 0, 0], 0.0, 0.0, 1.0),
        ([0, 0, 0, 0], [1, 1, 0, 0], 0.0, 1 / 3, np.nan),
        ([1, 1, 0, 0], [1, 0, 0, 0], 0.5, (2 / 3 + 4 / 5) / 2, np.nan),
        ([1, 1, 1, 1], [1, 1, 1, 1], 1.0, 1.0, np.nan),
    ),
)
def test_figures_computed_by_hand(forged, truth, iou, macro_f1, false_alarm) -> None:
    found = picture_figures(np.array([forged], bool), np.arange(4.0)[None], np.array([truth], bool))
    expected = dict(iou=iou, macro_f1=macro_f1, false_alarm=false_alarm)
    assert {name: found[name] for name in expected} == pytest.approx(expected, nan_ok=True)


def test_the_band_is_the_one_of_trufor() -> None:
    truth = np.zeros((80, 90), bool)
    truth[20:60, 0:50] = True
    truth[70:74, 80:84] = True
    inside = ndimage.minimum_filter(truth, 15)
    outside = ~ndimage.maximum_filter(truth, 11)
    assert np.array_equal(off_the_border(truth), inside | outside)


def test_errors_within_the_band_do_not_count_off_the_border() -> None:
    truth = np.zeros((80, 80), bool)
    truth[20:60, 20:60] = True
    shifted = np.roll(truth, 4, 1)
    found = picture_figures(shifted, shifted.astype(float), truth)
    assert found['border_f1'] == 1 > found['forged_f1']


def test_a_forgery_that_the_band_hides_has_no_border_f1() -> None:
    truth = np.zeros((40, 40), bool)
    truth[20:25, 20:25] = True
    assert np.isnan(picture_figures(truth, truth.astype(float), truth)['border_f1'])
    assert picture_figures(truth & False, truth.astype(float), truth & False)['border_f1'] == 1


def test_pixels_that_do_not_count_change_nothing() -> None:
    rng = np.random.default_rng(0)
    forged, truth, scored = (rng.random((50, 60)) < share for share in (0.4, 0.4, 0.7))
    score = rng.random((50, 60))
    found = without_the_band(picture_figures(forged, score, truth, scored))
    assert found == pytest.approx(reference(forged[scored], score[scored], truth[scored]), nan_ok=True)
    other = [np.where(scored, plane, rng.random((50, 60)) < 0.5) for plane in (forged, truth)]
    again = picture_figures(other[0], np.where(scored, score, 0.5), other[1], scored)
    assert without_the_band(again) == pytest.approx(found, nan_ok=True)


@pytest.mark.parametrize('shape', [(0, 0), (3, 4)])
def test_without_a_pixel_that_counts_no_figure_is_defined(shape) -> None:
    nothing = np.zeros(shape, bool)
    assert all(np.isnan(value) for value in picture_figures(nothing, nothing.astype(float), nothing, nothing).values())


def test_counts_of_a_large_set_do_not_overflow() -> None:
    counts = Counts(3 * 10**11, 10**10, 2 * 10**10, 9 * 10**12)
    assert counts.mcc == pytest.approx(0.9499, abs=1e-3)
