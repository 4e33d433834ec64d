"""Choosing on one half and measuring on the other, on histograms whose best rule is known."""

import numpy as np
import pytest

from focal_mmseg.analysis.held_out_rules import measure_held_out
from focal_mmseg.evaluation.pooling import score_histogram

PIXELS = 400


def rows_of(hits: float, images: int = 40, seed: int = 0) -> list[dict]:
    """Images of which half are forged in a quarter of their pixels; a share of these pixels has the highest score."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(images):
        truth = np.zeros(PIXELS, bool)
        if number % 2:
            truth[: PIXELS // 4] = True
        score = rng.uniform(0, 0.5, PIXELS)
        score[truth & (rng.random(PIXELS) < hits)] = 0.9
        row = dict(is_pristine=not truth.any(), histogram=score_histogram(score, truth))
        rows.append(row | dict(own_iou=hits if truth.any() else np.nan))
    return rows


def test_the_better_rule_is_chosen_and_its_threshold_holds() -> None:
    rows = {'first': {'good': rows_of(0.9), 'bad': rows_of(0.2)}, 'second': {'good': rows_of(0.8), 'bad': rows_of(0.1)}}
    found = measure_held_out(rows, draws=10, alone='bad')
    for name, hits, alone in (('first', 0.9, 0.2), ('second', 0.8, 0.1)):
        level = found[name][0.01]
        assert (level.rule, level.share) == ('good', 1)
        assert level.iou == pytest.approx(hits, abs=0.03) and level.low <= level.iou <= level.high
        assert level.alone == pytest.approx(alone)
        assert found[name][0.05].false_alarm == pytest.approx(0.05, abs=0.01)


def test_rules_without_a_difference_gain_nothing_by_the_choice() -> None:
    """Chosen by chance, so the halves that were held out have the mean of all, not that of the best."""
    rows = {'noise': {str(seed): rows_of(0.5, seed=seed) for seed in range(10)}}
    found = measure_held_out(rows, draws=40)['noise'][0.02]
    assert found.iou == pytest.approx(0.5, abs=0.02) and found.alone is None


def test_a_half_without_a_pristine_image_is_refused() -> None:
    few = [row for row in rows_of(0.9) if not row['is_pristine']] + rows_of(0.9)[:1]
    with pytest.raises(ValueError, match='few has too few images'):
        measure_held_out({'few': {'good': few}}, draws=5)
