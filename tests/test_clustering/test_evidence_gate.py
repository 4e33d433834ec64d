"""The gate, against its definition written out, and its laws."""

import math
from collections.abc import Callable

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.clustering import EvidenceGate, HDBSCANClusterer, PristineCentreClusterer, localise


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
