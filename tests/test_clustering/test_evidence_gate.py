"""The gate, against its definition written out, and its laws."""

import math
from collections.abc import Callable

import cv2
import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from scipy.stats import kurtosis, skew
from skimage.morphology import reconstruction
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.analysis import smoothing
from focal_mmseg.clustering import EvidenceGate, HDBSCANClusterer, PristineCentreClusterer, localise
from focal_mmseg.clustering.evidence_gate import SOFTNESS, bimodality_coefficient, connected_evidence, guided


@st.composite
def clustered(draw: st.DrawFn) -> tuple[Tensor, Tensor]:
    """Unit vectors and labels that need not fit them: gaps, noise, repeated points."""
    labels = draw(st.lists(st.sampled_from([-1, 0, 1, 2, 5]), min_size=1, max_size=40))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 1000)))
    distinct = draw(st.integers(1, 40))
    points = F.normalize(torch.randn(distinct, draw(st.integers(1, 6)), generator=generator), dim=1)
    return points[torch.arange(len(labels)) % distinct], torch.tensor(labels)


def reference(points: Tensor, labels: Tensor) -> list[float]:
    """The evidence by loops over points and clusters, in float64."""
    groups = {label: points[labels == label].double() for label in labels.tolist() if label >= 0} or {
        0: points.double()
    }
    centres = {label: group.mean(0) / group.mean(0).norm() for label, group in groups.items()}
    largest = max(groups, key=lambda label: (len(groups[label]), -label))
    found = []
    for point in points.double():
        away = {label: max(0.0, 1 - float(point @ centre)) for label, centre in centres.items()}
        pristine = away.pop(largest)
        other = min(away.values(), default=pristine)
        found.append(pristine * (pristine / (pristine + other)) ** 3 if pristine + other > 1e-9 else 0.0)
    return found


@given(clustered())
@settings(max_examples=200)
def test_evidence_is_as_defined(clustering: tuple[Tensor, Tensor]) -> None:
    points, labels = clustering
    found = EvidenceGate().evidence(points, localise(points, labels).labels)
    # A mean of opposite points has no direction, and rounding decides.
    means = [points[labels == label].mean(0).norm() for label in labels.unique() if label >= 0] or [
        points.mean(0).norm()
    ]
    if min(means) > 1e-3:
        assert found.tolist() == pytest.approx(reference(points, labels), abs=2e-3)


@given(clustered(), st.floats(0.01, 1.9))
@settings(max_examples=200)
def test_forged_exactly_above_one_half_which_is_the_threshold(
    clustering: tuple[Tensor, Tensor], threshold: float
) -> None:
    points, labels = clustering
    gate = EvidenceGate(threshold)
    before = localise(points, labels)
    found = gate(points, before)
    assert torch.equal(found.score > 0.5, found.forged)
    assert found.score.dtype == torch.float32 and found.score.min() >= 0 and found.score.max() <= 1
    evidence = gate.evidence(points, before.labels)
    clear = (evidence - threshold).abs() > 1e-5
    assert torch.equal(found.forged[clear], (evidence > threshold)[clear])
    assert torch.equal(found.labels, before.labels) and 0 <= found.gate_score <= 1


@given(clustered(), st.floats(0.02, 1), st.floats(0.02, 1))
@settings(max_examples=100)
def test_a_threshold_moves_all_logits_by_one_number(
    clustering: tuple[Tensor, Tensor], one: float, other: float
) -> None:
    points, labels = clustering
    before = localise(points, labels)
    first, second = (EvidenceGate(each)(points, before).score.double().clamp(1e-9) for each in (one, other))
    kept = (first > 1e-4) & (second > 1e-4)
    moved = (first / (1 - first)).log() - (second / (1 - second)).log()
    assert moved[kept].tolist() == pytest.approx([math.log(other / one)] * int(kept.sum()), abs=1e-3)


def test_halves_that_lie_close_together_are_no_forgery(blobs: Callable[..., Tensor]) -> None:
    pristine = blobs([400], spread=0.05)
    forged = blobs([320, 80], spread=0.05)
    clusterer, gate = PristineCentreClusterer(), EvidenceGate()
    split = clusterer.localise(pristine)
    assert split.forged.any() and not gate(pristine, split).forged.any()
    found = gate(forged, clusterer.localise(forged))
    assert found.forged.tolist() == [False] * 320 + [True] * 80
    assert found.image_score > 0.5 > gate(pristine, split).image_score


def test_one_cluster_is_ranked_by_the_distance_to_its_centre(blobs: Callable[..., Tensor]) -> None:
    points = torch.cat([blobs([200], spread=0.05), -blobs([1], spread=0.05)])
    found = EvidenceGate()(points, localise(points, torch.zeros(201, dtype=torch.long)))
    assert found.forged.tolist() == [False] * 200 + [True]
    assert found.score[-1] == pytest.approx(0.25 / 0.34, abs=1e-2)


def test_points_are_found_that_hdbscans_choice_of_clusters_gives_up(blobs: Callable[..., Tensor]) -> None:
    points = blobs([900, 100], spread=0.4, width=32)
    one = HDBSCANClusterer().localise(points)
    assert one.num_clusters == 1 and not one.forged.any()
    found = EvidenceGate(0.11)(points, one)
    assert found.forged[900:].float().mean() > 0.5 > 0.1 > found.forged[:900].float().mean()


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_is_read_as_float32(blobs: Callable[..., Tensor], dtype: torch.dtype) -> None:
    points = blobs([90, 10])
    found = PristineCentreClusterer().localise(points.to(dtype))
    assert EvidenceGate()(points.to(dtype), found).forged.tolist() == [False] * 90 + [True] * 10


@pytest.mark.parametrize('threshold', [0, -1, 2, float('nan')])
def test_a_threshold_out_of_range_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match='threshold must be in'):
        EvidenceGate(threshold)


@given(st.integers(0, 1000), st.floats(1, 4), st.floats(0.1, 0.95))
@settings(max_examples=60)
def test_connected_evidence_is_hysteresis_at_every_threshold(seed: int, reach: float, share: float) -> None:
    evidence = torch.rand(9, 7, generator=torch.Generator().manual_seed(seed))
    found = connected_evidence(evidence, reach)
    wanted = reconstruction(evidence.numpy(), (reach * evidence).numpy(), footprint=np.ones((3, 3)))
    assert torch.equal(found, torch.from_numpy(wanted).float())
    # A little off the values, where rounding would decide.
    threshold = float(evidence.flatten().quantile(share)) + 1e-4
    number, areas = cv2.connectedComponents((reach * evidence > threshold).numpy().astype(np.uint8))
    kept = [area for area in range(1, number) if (evidence.numpy()[areas == area] > threshold).any()]
    assert np.array_equal((found > threshold).numpy(), np.isin(areas, kept))


def test_with_reach_the_fringe_of_a_forged_area_is_forged_and_a_faint_spot_is_not(
    blobs: Callable[..., Tensor],
) -> None:
    pristine, forged = blobs([90, 10], spread=0.01)[:90], blobs([90, 10], spread=0.01)[90:]
    fringe = F.normalize(0.5 * pristine[0] + 0.5 * forged[0], dim=0)
    points = torch.cat([pristine, forged])
    # Six forged points in the corner with their fringe below, and a spot like the fringe far away.
    order = torch.arange(90).repeat(2)[:100]
    plane = points[order].view(10, 10, -1).clone()
    plane[:2, :3], plane[2, :3], plane[8, 8] = forged[:6].view(2, 3, -1), fringe, fringe
    points = plane.flatten(0, 1)
    before = PristineCentreClusterer(seeds=0.06).localise(points, (10, 10))
    evidence = EvidenceGate().evidence(points, before.labels).view(10, 10)
    threshold = float(evidence[8, 8]) * 1.5
    alone, reaching = (EvidenceGate(threshold, reach)(points, before) for reach in (1, 3))
    assert alone.forged.view(10, 10).nonzero().tolist() == [[row, column] for row in (0, 1) for column in range(3)]
    assert reaching.forged.view(10, 10).nonzero().tolist() == [
        [row, column] for row in (0, 1, 2) for column in range(3)
    ]


@given(st.integers(0, 1000), st.floats(0.05, 1), st.floats(0.05, 1))
@settings(max_examples=40)
def test_with_reach_too_a_threshold_moves_all_logits_by_one_number(seed: int, one: float, other: float) -> None:
    points = F.normalize(torch.randn(30, 4, generator=torch.Generator().manual_seed(seed)), dim=1)
    before = PristineCentreClusterer().localise(points, (5, 6))
    first, second = (EvidenceGate(each, 3)(points, before) for each in (one, other))
    moved = first.score.double().logit() - second.score.double().logit()
    assert moved[first.score > 1e-4].tolist() == pytest.approx(
        [math.log(other / one)] * int((first.score > 1e-4).sum()), abs=1e-3
    )
    assert torch.equal(first.score > 0.5, first.forged)


def test_reach_needs_the_grid(blobs: Callable[..., Tensor]) -> None:
    points = blobs([90, 10])
    with pytest.raises(ValueError, match='needs the grid'):
        EvidenceGate(reach=2)(points, PristineCentreClusterer().localise(points))
    without, with_grid = (
        PristineCentreClusterer().localise(points),
        PristineCentreClusterer().localise(points, (10, 10)),
    )
    assert torch.equal(EvidenceGate()(points, without).score, EvidenceGate()(points, with_grid).score)


@pytest.mark.parametrize('reach', [0.9, 0, -1, float('inf'), float('nan')])
def test_a_reach_out_of_range_is_refused(reach: float) -> None:
    with pytest.raises(ValueError, match='reach must be'):
        EvidenceGate(reach=reach)


@given(clustered(), st.floats(0, 4))
@settings(max_examples=60)
def test_evidence_is_weighed_by_its_bimodality(clustering: tuple[Tensor, Tensor], power: float) -> None:
    points, labels = clustering
    labels = localise(points, labels).labels
    plain, weighed = (EvidenceGate(bimodality=each).evidence(points, labels) for each in (0, power))
    values = plain.double().numpy()
    if values.std() < 1e-6:
        return
    two = (skew(values) ** 2 + 1) / kurtosis(values, fisher=False)
    torch.testing.assert_close(weighed, plain * float(two) ** power, rtol=1e-3, atol=1e-5)


def test_an_image_that_strays_evenly_has_less_evidence_than_one_of_two_groups() -> None:
    angles = torch.linspace(0, 1, 100)
    even = torch.stack([angles.cos(), angles.sin()], 1)
    two = torch.cat([even[:1].repeat(80, 1), even[-1:].repeat(20, 1)])
    gate = EvidenceGate(bimodality=2)
    plain = EvidenceGate()
    for points, least, most in ((two, 0.95, 1.001), (even, 0, 0.8)):
        labels = PristineCentreClusterer().localise(points).labels
        kept = gate.evidence(points, labels).max() / plain.evidence(points, labels).max()
        assert least < kept < most


@given(clustered())
@settings(max_examples=100)
def test_the_image_score_is_as_defined(clustering: tuple[Tensor, Tensor]) -> None:
    points, labels = clustering
    found = localise(points, labels)
    gate = EvidenceGate()
    score = gate.image_score(points, found.labels)
    assert 0 <= score <= 1
    assert gate(points, found).gate_score == score == EvidenceGate(1.5, bimodality=2)(points, found).gate_score
    evidence = gate.evidence(points, found.labels).double().numpy()
    if evidence.std() < 1e-4:
        return
    group = points[found.labels == 0] if (found.labels >= 0).any() else points
    distance = np.sort((1 - points @ F.normalize(group.mean(0), dim=0)).numpy())[-max(1, round(0.02 * len(points))) :]
    # A mean of opposite points has no direction, and the fourth root of a rounded 0 is not near 0.
    if group.mean(0).norm() < 1e-3 or distance.mean() < 1e-4:
        return
    two = (skew(evidence) ** 2 + 1) / kurtosis(evidence, fisher=False)
    assert score == pytest.approx(two * (max(0, distance.mean()) / 2) ** 0.25, abs=2e-3)


def test_an_image_of_equal_points_scores_0() -> None:
    points = torch.eye(4)[:1].repeat(30, 1)
    assert EvidenceGate().image_score(points, torch.zeros(30, dtype=torch.long)) == 0


@pytest.mark.parametrize('bimodality', [-0.1, float('inf'), float('nan')])
def test_a_bimodality_out_of_range_is_refused(bimodality: float) -> None:
    with pytest.raises(ValueError, match='bimodality must be'):
        EvidenceGate(bimodality=bimodality)


@given(st.integers(0, 1000), st.integers(1, 9), st.integers(1, 7))
@settings(max_examples=60)
def test_the_guided_filter_is_that_of_opencvs_boxes(seed: int, height: int, width: int) -> None:
    plane, guide = torch.rand(2, height, width, generator=torch.Generator().manual_seed(seed))
    wanted = smoothing.guided(plane.numpy(), guide.numpy(), 1, SOFTNESS)
    torch.testing.assert_close(guided(plane, guide), torch.from_numpy(wanted), rtol=1e-3, atol=1e-4)


@given(clustered(), st.floats(0, 3), st.floats(0.05, 1), st.floats(0.05, 1))
@settings(max_examples=60)
def test_evidence_is_weighed_by_the_distance_of_the_means(
    clustering: tuple[Tensor, Tensor], power: float, one: float, other: float
) -> None:
    points, labels = clustering
    found = localise(points, labels)
    plain, weighed = (EvidenceGate(separation=each).evidence(points, found.labels) for each in (0, power))
    assert weighed.min() >= 0 and (weighed <= plain * (1 + 1e-6)).all()
    if found.num_clusters == 2:
        factor = float(found.centre_distances[1].double() ** 2 / 4) ** power
        torch.testing.assert_close(weighed, plain * factor, rtol=1e-3, atol=1e-5)
    first, second = (EvidenceGate(each, separation=power)(points, found).score.double() for each in (one, other))
    kept = (first > 1e-4) & (second > 1e-4) & (first < 1)
    moved = first.logit() - second.logit()
    assert moved[kept].tolist() == pytest.approx([math.log(other / one)] * int(kept.sum()), abs=1e-3)


def test_smoothing_fades_a_speck_and_keeps_an_area() -> None:
    pristine, forged = torch.eye(4)[0], torch.eye(4)[1]
    plane = pristine.repeat(12, 12, 1)
    plane[2:7, 2:7], plane[9, 9] = forged, F.normalize(pristine + 1.5 * forged, dim=0)
    points = plane.flatten(0, 1)
    before = PristineCentreClusterer(seeds=0.1).localise(points, (12, 12))
    plain, smooth = (EvidenceGate(smoothing=each).evidence(points, before.labels, (12, 12)) for each in (0, 1))
    kept = (smooth / plain).view(12, 12)
    assert kept[2:7, 2:7].mean() > 0.9 > 0.8 > kept[9, 9]
    half = EvidenceGate(smoothing=0.5).evidence(points, before.labels, (12, 12))
    torch.testing.assert_close(half, (plain + smooth) / 2)
    both = EvidenceGate(smoothing=0.5, bimodality=2).evidence(points, before.labels, (12, 12))
    torch.testing.assert_close(both, half * bimodality_coefficient(half) ** 2)
    with pytest.raises(ValueError, match='needs the grid'):
        EvidenceGate(smoothing=0.5).evidence(points, before.labels)


@pytest.mark.parametrize(
    'wrong', [dict(smoothing=-0.1), dict(smoothing=1.1), dict(separation=-1), dict(separation=float('nan'))]
)
def test_options_out_of_range_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=f'{next(iter(wrong))} must be'):
        EvidenceGate(**wrong)
