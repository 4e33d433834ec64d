"""Images as a whole, against scikit-learn's."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, roc_auc_score

from focal_mmseg.evaluation.detection import detection_metrics, resampled_detection_metrics

IMAGES = st.lists(st.tuples(st.sampled_from([0.0, 0.3, 0.5, 0.7, 1.0]), st.booleans()), min_size=2, max_size=12)


def both(truth: np.ndarray) -> dict[str, np.ndarray]:
    return dict(sensitivity=truth, false_alarm=~truth)


@settings(deadline=None, max_examples=60)
@given(IMAGES, st.sampled_from([None, 0.0, 0.5, 0.6]))
def test_images_as_a_whole_are_scored_as_by_scikit_learn(
    images: list[tuple[float, bool]], threshold: float | None
) -> None:
    # Its own score calls an image forged, or its mask, which here says the opposite.
    rows = [dict(image_score=s, is_pristine=not forged, called_forged=s <= 0.5) for s, forged in images]
    found = detection_metrics(rows, threshold)
    score, truth = (np.array(each) for each in zip(*images, strict=True))
    called = score <= 0.5 if threshold is None else score > threshold
    rates = {name: called[which].mean() if which.any() else math.nan for name, which in both(truth).items()}
    if truth.all() or not truth.any():
        others = {name: math.nan for name in found if name not in rates}
        assert found == pytest.approx(others | rates, nan_ok=True)
        return
    assert found == pytest.approx(
        dict(
            auc=roc_auc_score(truth, score),
            f1=f1_score(truth, called, zero_division=0.0),
            accuracy=accuracy_score(truth, called),
            balanced_accuracy=balanced_accuracy_score(truth, called),
            **rates,
        )
    )


@settings(deadline=None, max_examples=30)
@given(IMAGES, st.integers(0, 9))
def test_images_drawn_anew_are_scored_as_if_they_were_in_the_list_as_often(
    images: list[tuple[float, bool]], seed: int
) -> None:
    rows = [dict(image_score=s, is_pristine=not forged, called_forged=s > 0.6) for s, forged in images]
    rows.append(dict(image_score=math.nan, is_pristine=True, called_forged=True))
    draws = np.random.default_rng(seed).integers(0, 3, (2, len(rows)))
    found = resampled_detection_metrics(rows, None, draws.astype(float))
    for number, times in enumerate(draws):
        repeated = [row for row, often in zip(rows, times, strict=True) for _ in range(often)]
        expected = detection_metrics(repeated)
        assert {name: values[number] for name, values in found.items()} == pytest.approx(expected, nan_ok=True)
