"""The figures of one image against scikit-learn's and definitions written out."""

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

from focal_mmseg.evaluation.localisation import exclude_border_band, localisation_metrics

SHAPES = st.tuples(st.integers(1, 8), st.integers(1, 8))
MASKS = SHAPES.flatmap(lambda shape: st.tuples(*[arrays.arrays(bool, shape)] * 2))


def best_f1(truth: np.ndarray, score: np.ndarray) -> float:
    precision, recall, _ = precision_recall_curve(truth, score)
    return float((2 * precision * recall / np.maximum(precision + recall, 1e-12)).max())


def reference(forged: np.ndarray, score: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """All but the band's figures."""
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
        nothing_found=float(not (forged & truth).any()) if truth.any() else np.nan,
        found_f1=f1_score(truth, forged) if (forged & truth).any() else np.nan,
    )


def without_the_band(figures: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in figures.items() if not name.startswith('border')}


@settings(deadline=None, max_examples=150)
@given(MASKS)
def test_figures_are_scikit_learns(masks) -> None:
    forged, truth = masks
    score = np.linspace(0, 1, truth.size).reshape(truth.shape)
    found = without_the_band(localisation_metrics(forged, score, truth))
    assert found == pytest.approx(reference(forged, score, truth), abs=1e-9, nan_ok=True)


@settings(deadline=None, max_examples=80)
@given(MASKS)
def test_figures_stay_in_range_and_a_perfect_mask_gets_one(masks) -> None:
    forged, truth = masks
    found = localisation_metrics(forged, forged.astype(float), truth)
    assert all(np.isnan(value) or (-1 if name == 'mcc' else 0) <= value <= 1 for name, value in found.items())
    perfect = localisation_metrics(truth, truth.astype(float), truth)
    worst = ('false_alarm', 'nothing_found')
    assert all(perfect[name] == 0 or np.isnan(perfect[name]) for name in worst)
    ones = [value for name, value in perfect.items() if name not in worst and not np.isnan(value)]
    assert ones == pytest.approx([1] * len(ones))


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
    found = localisation_metrics(np.array([forged], bool), np.arange(4.0)[None], np.array([truth], bool))
    expected = dict(iou=iou, macro_f1=macro_f1, false_alarm=false_alarm)
    assert {name: found[name] for name in expected} == pytest.approx(expected, nan_ok=True)


def test_the_band_is_the_one_of_trufor() -> None:
    truth = np.zeros((80, 90), bool)
    truth[20:60, 0:50] = True
    truth[70:74, 80:84] = True
    inside = ndimage.minimum_filter(truth, 15)
    outside = ~ndimage.maximum_filter(truth, 11)
    assert np.array_equal(exclude_border_band(truth), inside | outside)


def test_errors_within_the_band_do_not_count_off_the_border() -> None:
    truth = np.zeros((80, 80), bool)
    truth[20:60, 20:60] = True
    shifted = np.roll(truth, 4, 1)
    found = localisation_metrics(shifted, shifted.astype(float), truth)
    assert found['border_f1'] == 1 > found['forged_f1']


def test_a_forgery_that_the_band_hides_has_no_border_f1() -> None:
    truth = np.zeros((40, 40), bool)
    truth[20:25, 20:25] = True
    assert np.isnan(localisation_metrics(truth, truth.astype(float), truth)['border_f1'])
    assert localisation_metrics(truth & False, truth.astype(float), truth & False)['border_f1'] == 1


def test_without_the_band_the_better_polarity_counts_at_one_half_and_at_the_best_threshold() -> None:
    """TruFor's two figures, every threshold and both polarities tried one by one."""
    rng = np.random.default_rng(0)
    truth = np.zeros((40, 50), bool)
    truth[10:30, 10:35] = True
    for sign in (1, -1):
        score = np.clip(0.5 + sign * (0.1 * truth - 0.15) + 0.25 * rng.normal(size=truth.shape), 0, 1).round(2)
        found = localisation_metrics(score > 0.5, score, truth)
        kept = exclude_border_band(truth)
        real, value = truth[kept], score[kept]
        fixed = [f1_score(real, mask) for mask in (value > 0.5, value <= 0.5)]
        best = [f1_score(real, mask) for step in np.unique(value) for mask in (value >= step, value < step)]
        assert found['border_f1'] == pytest.approx(fixed[0])
        assert found['border_permuted_f1'] == pytest.approx(max(fixed))
        assert found['border_best_f1'] == pytest.approx(max(best)) and max(best) > max(fixed)


def test_a_wrong_mask_and_an_empty_one_find_nothing() -> None:
    truth = np.zeros((4, 4), bool)
    truth[0] = True
    for forged, nothing, found_f1 in ((~truth, 1.0, np.nan), (truth & False, 1.0, np.nan), (truth | True, 0.0, 0.4)):
        found = localisation_metrics(forged, forged.astype(float), truth)
        assert found['nothing_found'] == nothing
        assert found['found_f1'] == pytest.approx(found_f1, nan_ok=True)


def imdl_benco(forged: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """IMDL-BenCo's figures by their definitions, in double precision: F1 out of precision and recall, of the mask
    ("origin") and of the better of it and its inverse ("double"), and IoU."""
    forged, truth = forged.astype(np.float64), truth.astype(np.float64)

    def f1(mask: np.ndarray) -> float:
        hits = (mask * truth).sum()
        precision, recall = hits / max(mask.sum(), 1), hits / truth.sum()
        return 2 * precision * recall / (precision + recall) if hits else 0.0

    union = np.maximum(forged, truth).sum()
    return dict(forged_f1=f1(forged), permuted_f1=max(f1(forged), f1(1 - forged)), iou=(forged * truth).sum() / union)


@settings(deadline=None, max_examples=150)
@given(MASKS.filter(lambda masks: masks[1].any()))
def test_figures_of_forged_images_are_those_that_imdl_benco_defines(masks) -> None:
    forged, truth = masks
    found = localisation_metrics(forged, forged.astype(float), truth)
    expected = imdl_benco(forged, truth)
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-12)


def test_pixels_that_do_not_count_change_nothing() -> None:
    rng = np.random.default_rng(0)
    forged, truth, scored = (rng.random((50, 60)) < share for share in (0.4, 0.4, 0.7))
    score = rng.random((50, 60))
    found = without_the_band(localisation_metrics(forged, score, truth, scored))
    assert found == pytest.approx(reference(forged[scored], score[scored], truth[scored]), nan_ok=True)
    other = [np.where(scored, plane, rng.random((50, 60)) < 0.5) for plane in (forged, truth)]
    again = localisation_metrics(other[0], np.where(scored, score, 0.5), other[1], scored)
    assert without_the_band(again) == pytest.approx(found, nan_ok=True)


@pytest.mark.parametrize('shape', [(0, 0), (3, 4)])
def test_without_a_pixel_that_counts_no_figure_is_defined(shape) -> None:
    nothing = np.zeros(shape, bool)
    assert all(
        np.isnan(value) for value in localisation_metrics(nothing, nothing.astype(float), nothing, nothing).values()
    )
