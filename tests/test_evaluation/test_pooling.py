"""All pixels of many images together, against scikit-learn's figures of the joined images."""

import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, jaccard_score, matthews_corrcoef, roc_auc_score

from focal_mmseg.evaluation.localisation import exclude_border_band, metrics_and_counts
from focal_mmseg.evaluation.pooling import (
    BINS,
    count_columns,
    pooled_metrics,
    resampled_pooled_metrics,
    score_histogram,
)
from focal_mmseg.evaluation.ranking import curve_metrics, threshold_curve


def planes(seed: int, side: int) -> tuple[np.ndarray, ...]:
    """A mask, its score in steps of 1/256, and a truth with an inside."""
    rng = np.random.default_rng(seed)
    truth = np.zeros((side, side), bool)
    truth[side // 4 : 3 * side // 4, side // 3 :] = True
    score = (0.4 * truth + 0.6 * rng.random(truth.shape)) // (1 / 256) / 256
    return score > 0.5, score, truth


def row_of(forged: np.ndarray, score: np.ndarray, truth: np.ndarray) -> dict:
    """What is kept of an image."""
    counts = metrics_and_counts(forged, score, truth)[1:]
    return count_columns(*counts) | dict(histogram=score_histogram(score.ravel(), truth.ravel()))


@pytest.fixture
def images() -> list[tuple[np.ndarray, ...]]:
    return [planes(seed, 40 + 11 * seed) for seed in range(3)]


def test_pooling_needs_no_pixels(images: list[tuple[np.ndarray, ...]]) -> None:
    forged, score, truth = (np.concatenate([each[part].ravel() for each in images]) for part in range(3))
    found = pooled_metrics([row_of(*each) for each in images])
    kept = np.concatenate([exclude_border_band(each[2]).ravel() for each in images])
    assert found == pytest.approx(
        dict(
            macro_f1=f1_score(truth, forged, average='macro'),
            forged_f1=f1_score(truth, forged),
            permuted_f1=max(f1_score(truth, forged), f1_score(truth, ~forged)),
            border_f1=f1_score(truth[kept], forged[kept]),
            border_permuted_f1=max(f1_score(truth[kept], mask[kept]) for mask in (forged, ~forged)),
            best_f1=max(f1_score(truth, score >= step) for step in np.unique(score)),
            iou=jaccard_score(truth, forged),
            mcc=matthews_corrcoef(truth, forged),
            auc=roc_auc_score(truth, score),
            ap=average_precision_score(truth, score),
        )
    )


def test_the_inverse_counts_for_all_images_or_for_none() -> None:
    forged, score, truth = planes(0, 60)
    rows = [row_of(forged, score, truth), row_of(~forged, 1 - score, truth)]
    found = pooled_metrics(rows)
    assert (
        found['permuted_f1']
        < pooled_metrics(rows[:1])['permuted_f1']
        == pytest.approx(pooled_metrics(rows[1:])['permuted_f1'])
    )


def test_a_forgery_that_the_band_hides_is_not_in_the_pooled_border_f1(images: list[tuple[np.ndarray, ...]]) -> None:
    thin = np.zeros((30, 30), bool)
    thin[10:13] = True
    row = row_of(~thin, 1.0 - thin, thin)
    rows = [row_of(*each) for each in images]
    assert pooled_metrics([*rows, row])['border_f1'] == pooled_metrics(rows)['border_f1']
    assert math.isnan(pooled_metrics([row])['border_f1'])


def saturated(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores of a network that is sure of itself, as float32: most within 1/256 of 0 or of 1."""
    rng = np.random.default_rng(seed)
    truth = rng.random(20_000) < 0.1
    logit = np.where(truth, rng.normal(-2, 4, truth.shape), rng.normal(-9, 2.5, truth.shape))
    return (1 / (1 + np.exp(-logit))).astype(np.float32), truth


@pytest.mark.parametrize('side', ['near 0', 'near 1'])
def test_saturated_scores_are_ranked_as_by_scikit_learn(side: str) -> None:
    images = [saturated(seed) for seed in range(4)]
    if side == 'near 1':
        images = [(1 - score, ~truth) for score, truth in images]
    nothing = dict.fromkeys(count_columns(*metrics_and_counts(*[np.zeros((1, 1), bool)] * 3)[1:]), 0)
    found = pooled_metrics([nothing | dict(histogram=score_histogram(*each)) for each in images])
    score, truth = (np.concatenate(each) for each in zip(*images, strict=True))
    assert (np.abs(score - 0.5) > 0.5 - 1 / 256).mean() > 0.8
    assert found['auc'] == pytest.approx(roc_auc_score(truth, score), abs=0.002)
    assert found['ap'] == pytest.approx(average_precision_score(truth, score), abs=0.002)
    order = np.argsort(-score)
    exact = curve_metrics(*threshold_curve(score[order], truth[order]))
    assert found['best_f1'] == pytest.approx(exact['best_f1'], abs=0.002)


@pytest.mark.parametrize('kind', [np.float32, np.float64])
def test_every_score_has_a_step_and_their_order_stays(kind: type) -> None:
    tiny = np.finfo(kind).tiny
    scores = np.array([0, tiny, 1e-12, 1e-6, 0.003, 0.25, 0.5, 0.505, 0.997, 1 - 1e-6, 1], kind)
    steps = [int(score_histogram(np.array([each]), np.array([True]))[0].argmax()) for each in scores]
    assert steps == sorted(steps, reverse=True) and steps[0] == BINS - 1 and steps[-1] == 0
    assert len(set(steps[2:])) == len(steps) - 2
    assert score_histogram(scores, scores > 0.5).sum() == len(scores)


def test_images_drawn_anew_are_pooled_as_if_they_were_in_the_list_as_often(
    images: list[tuple[np.ndarray, ...]],
) -> None:
    rows = [row_of(*each) for each in images]
    found = resampled_pooled_metrics(rows, np.array([[1.0, 1, 1], [0, 2, 1]]))
    for number, drawn in enumerate((rows, [rows[1], rows[1], rows[2]])):
        assert {name: values[number] for name, values in found.items()} == pytest.approx(pooled_metrics(drawn))
