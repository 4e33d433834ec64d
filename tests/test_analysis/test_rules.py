"""Rules, statistics and stability on made embeddings whose clusters are known."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from sklearn.metrics import jaccard_score, roc_auc_score

from focal_mmseg.analysis.clustered_image import ClusteredImage
from focal_mmseg.analysis.gate_rules import RULES, Rule, joining_heights
from focal_mmseg.analysis.hdbscan_stability import (
    compare_stability,
    compute_image_sharpness,
    compute_sharpness,
    measure_real_case,
    measure_synthetic_case,
    resize_map,
)
from focal_mmseg.analysis.image_statistics import STATISTICS, excess, largest_area, morans_i, otsu_separability
from focal_mmseg.analysis.jpeg_evidence import LARGEST, PERIODS, double_compression, find_period, stream_evidence
from focal_mmseg.analysis.rule_metrics import compute_image_row, compute_rule_metrics, pixel_scores
from focal_mmseg.apis.embeddings import EmbeddedImage
from focal_mmseg.clustering import EvidenceGate, HDBSCANClusterer, PristineCentreClusterer
from focal_mmseg.clustering.evidence_gate import bimodality_coefficient
from focal_mmseg.clustering.spanning_tree import mutual_reachability_tree
from focal_mmseg.utils.synthetic_embeddings import groups

SIDE = 20


def image_of(share: float, seed: int = 0, spread: float = 0.5) -> EmbeddedImage:
    """A map whose last rows are forged; the JPEG stream sees so too, and the coefficients there are not of before."""
    shares = (1 - share, share) if share else (1.0,)
    points = groups(SIDE * SIDE, 16, shares, spread, seed)
    truth = (np.arange(SIDE * SIDE) >= round((1 - share) * SIDE * SIDE)).reshape(SIDE, SIDE)
    embeddings = points.T.reshape(16, SIDE, SIDE).contiguous()
    drawn = np.random.default_rng(seed).laplace(0, 8, (64, SIDE, SIDE))
    coefficients = torch.from_numpy(np.where(truth, drawn.round(), 3 * (drawn / 3).round()).astype(np.int16))
    truth = truth.repeat(4, 0).repeat(4, 1)
    return EmbeddedImage(embeddings, truth, jpeg_stream=embeddings.flip(0), coefficients=coefficients)


@pytest.fixture(scope='module')
def forged() -> ClusteredImage:
    return ClusteredImage(image_of(0.2))


@pytest.fixture(scope='module')
def pristine() -> ClusteredImage:
    return ClusteredImage(image_of(0.0))


@pytest.mark.parametrize('name', RULES)
def test_a_rule_ranks_the_forged_area_of_a_clear_forgery_first(
    name: str, forged: ClusteredImage, pristine: ClusteredImage
) -> None:
    score = pixel_scores(RULES[name], forged)
    assert score.shape == forged.image.truth.shape and score.min() >= 0 and score.max() <= 1
    truth = forged.image.truth
    assert score[truth].mean() > score[~truth].mean()
    threshold = np.quantile(score, 0.8)
    assert jaccard_score(truth.ravel(), (score >= threshold).ravel()) > 0.6
    assert np.isfinite(pixel_scores(RULES[name], pristine)).all()


def test_the_default_rule_is_the_gate(forged: ClusteredImage) -> None:
    found = PristineCentreClusterer().localise(forged.points)
    wanted = EvidenceGate().evidence(forged.points, found.labels)
    assert torch.equal(next(iter(RULES.values())).evidence(forged), wanted)


def test_figures_at_a_level() -> None:
    """Evidence that is known: half the forged area is found before the first false alarm, all of it at 1 in 4."""
    rows = []
    for kind in (True, False):
        image = image_of(0.45 if kind else 0.0)
        values = torch.linspace(1, 2, SIDE * SIDE) if kind else torch.full((SIDE * SIDE,), 0.1)
        if not kind:
            values[: SIDE * SIDE // 4] = 1.8
        rows.append(
            compute_image_row(
                Rule(lambda _, values=values: values, is_hard=False, alone='K-means'), ClusteredImage(image)
            )
        )
    found = compute_rule_metrics(rows, rows)
    assert found['iou_at_0.01'] == pytest.approx(0.4, abs=0.06)
    truth = np.zeros(SIDE * SIDE, bool)
    truth[round(0.55 * SIDE * SIDE) :] = True
    assert found['auc'] == pytest.approx(roc_auc_score(truth, np.arange(SIDE * SIDE)), abs=0.01)
    assert found['gain_low'] == found['gain_high'] == 0
    assert found['own_iou'] == pytest.approx(1, abs=0.1) and 0 < found['own_false_alarm'] < 1


def test_a_point_joins_the_largest_part_where_the_tree_is_cut() -> None:
    tree = np.array([[0, 1, 0.1], [2, 3, 0.2], [1, 4, 0.3], [4, 2, 0.9]])
    assert joining_heights(tree).tolist() == [0, 0.1, 0.9, 0.9, 0.3]


@pytest.mark.parametrize('name', STATISTICS)
def test_a_statistic_is_a_number_even_of_equal_points(
    name: str, forged: ClusteredImage, pristine: ClusteredImage
) -> None:
    equal = ClusteredImage(EmbeddedImage(torch.eye(4)[0][:, None, None].repeat(1, 9, 9), np.zeros((36, 36), bool)))
    for image in (forged, pristine, equal):
        assert math.isfinite(STATISTICS[name](image)), name


def test_statistics_against_their_definitions() -> None:
    rng = np.random.default_rng(0)
    assert bimodality_coefficient(torch.tensor([0.0, 1.0] * 50)) == pytest.approx(1)
    assert bimodality_coefficient(torch.from_numpy(rng.normal(size=200_000))) == pytest.approx(1 / 3, abs=0.02)
    assert bimodality_coefficient(torch.linspace(0, 1, 10_000)) == pytest.approx(5 / 9, abs=0.01)
    assert otsu_separability(np.array([0.0, 0.0, 1.0, 1.0])) == pytest.approx(1)
    board = np.indices((6, 6)).sum(0).astype(np.float32) % 2
    assert morans_i(board) == pytest.approx(-1)
    halves = np.repeat([[0.0, 1.0]], 3, axis=1).repeat(6, axis=0).astype(np.float32)
    assert morans_i(halves) == pytest.approx(1 - 2 * 6 / 60)
    plane = np.zeros((5, 5), np.float32)
    plane[0, :2], plane[3:, 3:] = 0.5, 0.2
    assert len(largest_area(plane, 0.1)) == 4
    assert excess(plane, 0.1) == pytest.approx(0.8 / 25)


@pytest.mark.parametrize(('spread', 'share'), [(0.05, 0.3), (1.2, 0.3), (0.5, 0.1)])
def test_hdbscan_splits_exactly_where_the_parts_are_more_stable(spread: float, share: float) -> None:
    points = groups(300, 16, (1 - share, share), spread)
    tree = mutual_reachability_tree(points, 20)
    single = HDBSCANClusterer(min_cluster_size=5, min_samples=20)
    split = single.tree_labels(tree).max() > 0
    assert split == (compare_stability(tree, 5).ratio > 1)


def test_made_cases_say_what_was_made() -> None:
    sharp, blurred = measure_synthetic_case(300, 0.3, 0.05), measure_synthetic_case(300, 0.3, 1.2)
    assert sharp['ratio'] > 1 > blurred['ratio']
    assert sharp['hdbscan'] == 1 and blurred['hdbscan'] == 0 and blurred['k_means'] > 0.7
    assert sharp['sharpness'] == pytest.approx(2**0.5 / 0.05, rel=0.15)


def test_an_enlarged_map_has_unit_embeddings_and_every_setting_has_figures() -> None:
    image = resize_map(image_of(0.3, spread=0.1), (2 * SIDE, 2 * SIDE))
    assert image.grid == (2 * SIDE, 2 * SIDE)
    torch.testing.assert_close(image.embeddings.norm(dim=0), torch.ones(image.grid))
    found = measure_real_case(image)
    assert len(found) == 7 and found['K-means']['iou'] > 0.9 and math.isnan(found['K-means']['false_alarm'])
    assert measure_real_case(image_of(0.0))['K-means']['false_alarm'] > 0


def test_sharpness_is_the_distance_of_the_means_over_the_radius() -> None:
    points = torch.tensor([[0.0, 1.0], [0.0, -1.0], [6.0, 2.0], [6.0, -2.0]])
    assert compute_sharpness(points, torch.tensor([False, False, True, True])) == pytest.approx(6 / 2.5**0.5)
    image = image_of(0.2)
    truth = torch.arange(SIDE * SIDE) >= 0.8 * SIDE * SIDE
    assert compute_image_sharpness(image) == pytest.approx(compute_sharpness(image.points, truth))
    assert math.isnan(compute_image_sharpness(image_of(0.0)))


@pytest.mark.parametrize('period', PERIODS)
def test_the_period_of_a_double_compression_is_found(period: int) -> None:
    values = np.random.default_rng(0).laplace(0, 12, 4000)
    values = (period * (values / period).round()).astype(int).clip(-LARGEST, LARGEST)
    assert find_period(np.bincount(values + LARGEST, minlength=2 * LARGEST + 1) + 0.5) == period


def test_blocks_without_the_traces_of_the_first_compression_are_forged() -> None:
    image = image_of(0.3)
    found = double_compression(image).view(image.grid)
    assert found[:14].mean() < 0.1 < 0.6 < found[14:].mean()
    drawn = np.random.default_rng(1).laplace(0, 8, (64, SIDE, SIDE)).round().astype(np.int16)
    once = dataclasses.replace(image, coefficients=torch.from_numpy(drawn))
    assert (double_compression(once) == 0.5).all()


def test_what_a_file_does_not_hold_is_named() -> None:
    image = dataclasses.replace(image_of(0.3), jpeg_stream=None, coefficients=None, name='a')
    with pytest.raises(ValueError, match='a: its file has no JPEG stream'):
        stream_evidence(image)
    with pytest.raises(ValueError, match='a: its file has no coefficients'):
        double_compression(image)
