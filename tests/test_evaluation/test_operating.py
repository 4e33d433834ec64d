"""The operating curve, against each threshold tried by itself."""

import math
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from focal_mmseg.evaluation.counts import Counts
from focal_mmseg.evaluation.operating import (
    OPERATING,
    OperatingCurve,
    operating,
    operating_curve,
    operating_of_draws,
    read_operating,
    write_operating,
)
from focal_mmseg.evaluation.pooling import ranking_of

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
    rows = [dict(is_pristine=not truth.any(), ranking=ranking_of(score, truth)) for score, truth in images]
    return rows, images


def by_hand(images: list[tuple], threshold: float) -> tuple[float, dict[str, float]]:
    """False alarms and figures at one threshold."""
    alarms = np.mean([(score > threshold).mean() for score, truth in images if not truth.any()])
    counts = [(Counts.of(score > threshold, truth), score) for score, truth in images if truth.any()]
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
        assert curve.at(level + 1e-6) == pytest.approx(kept[-1], abs=1e-5)


@given(st.integers(0, 10_000))
@settings(max_examples=40)
def test_the_area_is_the_mean_iou_up_to_ten_percent(seed: int) -> None:
    curve = operating_curve(made(seed)[0])
    levels = (np.arange(20_000) + 0.5) / 20_000 * 0.1
    places = np.searchsorted(curve.false_alarms, levels, side='right') - 1
    assert curve.area == pytest.approx(curve.found['iou'][places].mean(), abs=1e-3)


def test_a_perfect_score_finds_all_and_a_blind_one_nothing() -> None:
    truth = np.arange(40) < 10
    forged = dict(is_pristine=False, ranking=ranking_of(np.where(truth, 0.9, 0.1), truth))
    pristine = dict(is_pristine=True, ranking=ranking_of(np.full(40, 0.1), np.zeros(40, bool)))
    assert operating([forged, pristine]) == pytest.approx(dict.fromkeys(OPERATING, 1.0))
    alarmed = dict(is_pristine=True, ranking=ranking_of(np.full(40, 0.9), np.zeros(40, bool)))
    assert operating([forged, alarmed]) == pytest.approx(dict.fromkeys(OPERATING, 0.0))


def test_images_drawn_anew_count_as_if_they_were_in_the_list_as_often() -> None:
    rows, _ = made(3)
    draws = np.random.default_rng(0).integers(0, 3, (6, len(rows)))
    found = operating_of_draws(rows, draws.astype(float))
    for number, times in enumerate(draws):
        repeated = [row for row, often in zip(rows, times, strict=True) for _ in range(often)]
        assert {name: values[number] for name, values in found.items()} == pytest.approx(operating(repeated), abs=1e-4)


@pytest.mark.parametrize(('forged', 'pristine'), [(3, 0), (0, 3)])
def test_it_needs_forged_and_pristine_images(forged: int, pristine: int) -> None:
    rows, _ = made(0, forged, pristine)
    assert operating_curve(rows) is None
    assert all(math.isnan(value) for value in operating(rows).values())
    assert all(np.isnan(values).all() for values in operating_of_draws(rows, np.ones((2, 3))).values())


def test_a_lost_forgery_and_an_image_without_scored_pixels_do_not_count() -> None:
    rows, _ = made(1)
    empty = ranking_of(np.zeros(0), np.zeros(0, bool))
    lost = dict(is_pristine=False, ranking=ranking_of(np.full(9, 0.99), np.zeros(9, bool)))
    assert operating([*rows, lost, dict(is_pristine=True, ranking=empty)]) == pytest.approx(operating(rows))


def test_curves_are_written_up_to_thirty_percent_and_read(tmp_path: Path) -> None:
    curves = {'all': operating_curve(made(0)[0]), 'a set, named oddly': operating_curve(made(1)[0])}
    write_operating(tmp_path / 'operating.csv', curves)
    found = read_operating(tmp_path / 'operating.csv')
    assert list(found) == list(curves)
    for name, curve in curves.items():
        assert found[name].false_alarms.max() <= 0.3 and len(found[name].false_alarms) < len(curve.false_alarms)
        assert found[name].area == pytest.approx(curve.area, abs=1e-5)
        for level in (0.01, 0.05, 0.2):
            assert found[name].at(level) == pytest.approx(curve.at(level), abs=1e-5)


def test_a_file_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / 'operating.csv').write_text('pictures,iou\nall,1\n')
    with pytest.raises(ValueError, match='other columns'):
        read_operating(tmp_path / 'operating.csv')


def test_equal_false_alarms_take_the_lowest_threshold() -> None:
    curve = OperatingCurve(np.array([0, 0.05, 0.05, 0.2]), dict(iou=np.array([0, 0.1, 0.4, 0.3])))
    assert curve.at(0.05) == dict(iou=0.4) and curve.at(0.1) == dict(iou=0.4) and curve.at(0.04) == dict(iou=0.0)
    assert curve.area == pytest.approx(0.2)
