"""The operating curve, against each threshold tried by itself."""

import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from focal_mmseg.evaluation.counts import Counts
from focal_mmseg.evaluation.operating import (
    OPERATING_METRICS,
    OperatingCurve,
    operating_curve,
    operating_metrics,
    resampled_operating_metrics,
)
from focal_mmseg.evaluation.pooling import score_histogram

# In the middle of a step, so that a threshold between them means the same in steps.
SCORES = (np.arange(16) + 0.5) / 16


def made(seed: int, forged: int = 6, pristine: int = 5, pixels: int = 40) -> tuple[list[dict], list[tuple]]:
    """Rows, and the scores and truths that they are of."""
    rng = np.random.default_rng(seed)
    images = []
    for number in range(forged + pristine):
        truth = rng.random(pixels) < 0.3 if number < forged else np.zeros(pixels, bool)
        truth[0] = number < forged
        images.append((rng.choice(SCORES, pixels, p=rng.dirichlet(np.ones(16) * 0.3)), truth))
    rows = [dict(is_pristine=not truth.any(), histogram=score_histogram(score, truth)) for score, truth in images]
    return rows, images


def by_hand(images: list[tuple], threshold: float) -> tuple[float, dict[str, float]]:
    """False alarms and figures at one threshold."""
    alarms = np.mean([(score > threshold).mean() for score, truth in images if not truth.any()])
    counts = [(Counts.from_masks(score > threshold, truth), score) for score, truth in images if truth.any()]
    return float(alarms), dict(
        iou=float(np.mean([each.iou for each, _ in counts])),
        forged_f1=float(np.mean([each.forged_f1 for each, _ in counts])),
        sensitivity=float(np.mean([(score > threshold).any() for _, score in counts])),
    )


@given(st.integers(0, 10_000))
@settings(max_examples=40)
def test_figures_at_a_level_are_those_of_the_lowest_threshold_that_keeps_it(seed: int) -> None:
    rows, images = made(seed)
    curve = operating_curve(rows)
    tried = [by_hand(images, threshold) for threshold in (1, *(SCORES[::-1] - 1 / 32))]
    for level in (0.0, 0.02, 0.05, 0.1, 0.3, 1.0):
        kept = [found for alarms, found in tried if alarms <= level + 1e-6]
        assert curve.metrics_at(level + 1e-6) == pytest.approx(kept[-1], abs=1e-5)


@given(st.integers(0, 10_000))
@settings(max_examples=40)
def test_the_area_is_the_mean_iou_up_to_ten_percent(seed: int) -> None:
    curve = operating_curve(made(seed)[0])
    levels = (np.arange(20_000) + 0.5) / 20_000 * 0.1
    places = np.searchsorted(curve.false_alarms, levels, side='right') - 1
    assert curve.area == pytest.approx(curve.metrics['iou'][places].mean(), abs=1e-3)


def test_a_perfect_score_finds_all_and_a_blind_one_nothing() -> None:
    truth = np.arange(40) < 10
    forged = dict(is_pristine=False, histogram=score_histogram(np.where(truth, 0.9, 0.1), truth))
    pristine = dict(is_pristine=True, histogram=score_histogram(np.full(40, 0.1), np.zeros(40, bool)))
    assert operating_metrics([forged, pristine]) == pytest.approx(dict.fromkeys(OPERATING_METRICS, 1.0))
    alarmed = dict(is_pristine=True, histogram=score_histogram(np.full(40, 0.9), np.zeros(40, bool)))
    assert operating_metrics([forged, alarmed]) == pytest.approx(dict.fromkeys(OPERATING_METRICS, 0.0))


def test_images_drawn_anew_count_as_if_they_were_in_the_list_as_often() -> None:
    rows, _ = made(3)
    draws = np.random.default_rng(0).integers(0, 3, (6, len(rows)))
    found = resampled_operating_metrics(rows, draws.astype(float))
    for number, times in enumerate(draws):
        repeated = [row for row, often in zip(rows, times, strict=True) for _ in range(often)]
        assert {name: values[number] for name, values in found.items()} == pytest.approx(
            operating_metrics(repeated), abs=1e-4
        )


@pytest.mark.parametrize(('forged', 'pristine'), [(3, 0), (0, 3)])
def test_it_needs_forged_and_pristine_images(forged: int, pristine: int) -> None:
    rows, _ = made(0, forged, pristine)
    assert operating_curve(rows) is None
    assert all(math.isnan(value) for value in operating_metrics(rows).values())
    assert all(np.isnan(values).all() for values in resampled_operating_metrics(rows, np.ones((2, 3))).values())


def test_a_lost_forgery_and_an_image_without_scored_pixels_do_not_count() -> None:
    rows, _ = made(1)
    empty = score_histogram(np.zeros(0), np.zeros(0, bool))
    lost = dict(is_pristine=False, histogram=score_histogram(np.full(9, 0.99), np.zeros(9, bool)))
    assert operating_metrics([*rows, lost, dict(is_pristine=True, histogram=empty)]) == pytest.approx(
        operating_metrics(rows)
    )


def test_equal_false_alarms_take_the_lowest_threshold() -> None:
    curve = OperatingCurve(np.array([0, 0.05, 0.05, 0.2]), dict(iou=np.array([0, 0.1, 0.4, 0.3])))
    for level, iou in ((0.05, 0.4), (0.1, 0.4), (0.04, 0.0)):
        assert curve.metrics_at(level) == dict(iou=iou)
    assert curve.area == pytest.approx(0.2)
