import math
import time

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings
from mmseg.registry import TASK_UTILS
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.clustering import Clusterer, Localisation, localise

NOISE = ('nearest', 'pristine', 'forged')
EAST, NORTH, WEST = (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)


class FixedLabels(Clusterer):
    """Gives the labels it was made with and keeps the points it was given."""

    def __init__(self, labels: list[int], noise: str = 'nearest') -> None:
        super().__init__(noise)
        self.labels = torch.tensor(labels)

    def fit_predict(self, embeddings: Tensor) -> Tensor:
        self.seen = embeddings
        return self.labels


def at_angle(degrees: float) -> tuple[float, float]:
    return math.cos(math.radians(degrees)), math.sin(math.radians(degrees))


def reference_distances(points: Tensor, labels: Tensor) -> tuple[list[float], list[float], int]:
    """Of each point to the largest cluster's centre and to the nearest other centre, and the largest cluster."""
    clusters = sorted(set(labels.tolist()) - {-1})
    largest = max(clusters, key=lambda cluster: ((labels == cluster).sum().item(), -cluster))
    centres = {cluster: points[labels == cluster].double().mean(0) for cluster in clusters}
    to_pristine, to_forged = [], []
    for point in points.double():
        distances = {cluster: (point - centre).norm().item() for cluster, centre in centres.items()}
        to_pristine.append(distances.pop(largest))
        to_forged.append(min(distances.values(), default=math.inf))
    return to_pristine, to_forged, largest


@st.composite
def clusterings(draw: st.DrawFn) -> tuple[Tensor, Tensor]:
    """Unit vectors and labels that need not fit them: gaps in the names, noise, single points, repeated points."""
    labels = draw(st.lists(st.sampled_from([-1, 0, 1, 2, 5]), min_size=1, max_size=40))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 1000)))
    distinct = draw(st.integers(1, 40))
    points = F.normalize(torch.randn(distinct, draw(st.integers(1, 6)), generator=generator), dim=1)
    return points[torch.arange(len(labels)) % distinct], torch.tensor(labels)


@given(clusterings(), st.sampled_from(NOISE))
@settings(max_examples=200, deadline=None)
def test_score_is_above_a_half_exactly_where_forged(clustering: tuple[Tensor, Tensor], noise: str) -> None:
    found = localise(*clustering, noise)
    assert found.forged.dtype == torch.bool and found.forged.shape == found.score.shape == clustering[1].shape
    assert torch.equal(found.score > 0.5, found.forged)
    assert found.score.dtype == torch.float32 and found.score.min() >= 0 and found.score.max() <= 1


@given(clusterings(), st.sampled_from(NOISE))
@settings(max_examples=200, deadline=None)
def test_every_point_follows_the_rule(clustering: tuple[Tensor, Tensor], noise: str) -> None:
    points, labels = clustering
    found = localise(points, labels, noise)
    clusters = set(labels.tolist()) - {-1}
    assert found.num_clusters == len(clusters)
    assert found.noise_share == pytest.approx((labels == -1).float().mean().item())
    if not clusters:
        assert not found.forged.any()
        return
    to_pristine, to_forged, largest = reference_distances(points, labels)
    for i, label in enumerate(labels.tolist()):
        if label >= 0:
            assert found.forged[i] == (label != largest)
        elif noise != 'nearest':
            assert found.forged[i] == (noise == 'forged')
        elif abs(to_pristine[i] - to_forged[i]) > 1e-5:
            assert found.forged[i] == (to_pristine[i] > to_forged[i])


@given(clusterings())
@settings(max_examples=100, deadline=None)
def test_score_is_the_share_of_the_distance_on_its_labels_side(clustering: tuple[Tensor, Tensor]) -> None:
    points, labels = clustering
    if len(set(labels.tolist()) - {-1}) < 2:
        return
    found = localise(points, labels)
    for d0, d1, forged, score in zip(*reference_distances(points, labels)[:2], found.forged, found.score, strict=True):
        if d0 + d1 > 1e-3:
            share = d0 / (d0 + d1)
            assert score.item() == pytest.approx(max(share, 0.501) if forged else min(share, 0.499), abs=1e-3)


def test_the_largest_cluster_is_pristine_and_the_small_ones_are_forged_together() -> None:
    points = torch.tensor([EAST] * 2 + [NORTH] * 5 + [WEST] * 3)
    labels = torch.tensor([0] * 2 + [1] * 5 + [2] * 3)
    found = localise(points, labels)
    assert found.forged.tolist() == [True] * 2 + [False] * 5 + [True] * 3
    assert found.score.tolist() == [1.0] * 2 + [0.0] * 5 + [1.0] * 3
    assert (found.num_clusters, found.noise_share) == (3, 0.0)


@pytest.mark.parametrize(
    ('noise', 'forged'), [('nearest', [True, False]), ('pristine', [False, False]), ('forged', [True, True])]
)
def test_noise_becomes_what_the_option_says(noise: str, forged: list[bool]) -> None:
    points = torch.tensor([EAST] * 3 + [NORTH] * 2 + [at_angle(60), at_angle(30)])
    found = localise(points, torch.tensor([0, 0, 0, 1, 1, -1, -1]), noise)
    assert found.forged.tolist() == [False] * 3 + [True] * 2 + forged
    assert found.score[5] > found.score[6]
    assert found.noise_share == pytest.approx(2 / 7)


def test_dispersion_is_nothing_for_equal_points_and_one_for_opposite_ones() -> None:
    labels = torch.zeros(8, dtype=torch.int64)
    point = F.normalize(torch.tensor([[1.0, 2.0, -3.0]]))
    assert localise(point.repeat(8, 1), labels).dispersion == pytest.approx(0, abs=1e-6)
    assert localise(point * torch.tensor([1.0, -1.0] * 4)[:, None], labels).dispersion == pytest.approx(1)
    points = F.normalize(torch.randn(500, 4, generator=torch.Generator().manual_seed(0)))
    expected = 1 - points.double().mean(0).norm().item()
    assert localise(points, torch.arange(500) % 3).dispersion == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize('noise', NOISE)
def test_nothing_is_forged_where_all_is_noise(noise: str) -> None:
    found = localise(torch.tensor([EAST, EAST, NORTH]), torch.tensor([-1, -1, -1]), noise)
    assert not found.forged.any()
    assert found.score[2] > found.score[0]
    assert (found.num_clusters, found.noise_share) == (0, 1.0)


@pytest.mark.parametrize('spread', [90.0, 1.0, 0.01])
def test_one_cluster_is_an_empty_mask_whose_score_ranks_by_distance(spread: float) -> None:
    points = torch.tensor([at_angle(spread * step) for step in (-1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0)])
    found = localise(points, torch.zeros(7, dtype=torch.long))
    assert not found.forged.any()
    assert found.score[3] < found.score[[2, 4]].min()
    assert found.score[[2, 4]].max() < found.score[[1, 5]].min()
    assert found.score[[1, 5]].max() < found.score[[0, 6]].min()


def test_the_farthest_point_of_one_cluster_stays_pristine() -> None:
    found = localise(torch.tensor([EAST] * 99 + [WEST]), torch.zeros(100, dtype=torch.long))
    assert not found.forged.any()
    assert found.score[99] == pytest.approx(0.495)


def test_distances_inside_a_tight_cluster_are_exact() -> None:
    generator = torch.Generator().manual_seed(0)
    points = F.normalize(torch.eye(64)[0] + 1e-4 * torch.randn(200, 64, generator=generator), dim=1)
    exact = (points.double() - points.double().mean(0)).norm(dim=1) / 4
    torch.testing.assert_close(
        localise(points, torch.zeros(200, dtype=torch.long)).score.double(), exact, rtol=1e-3, atol=0
    )


def test_a_pristine_point_beside_the_forged_centre_keeps_its_label() -> None:
    points = torch.tensor([EAST] * 3 + [NORTH] * 2 + [NORTH])
    found = localise(points, torch.tensor([0, 0, 0, 1, 1, 0]))
    assert found.forged.tolist() == [False] * 3 + [True] * 2 + [False]
    assert found.score[5] == pytest.approx(0.499)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.float64])
def test_any_precision_is_clustered_in_float32(dtype: torch.dtype) -> None:
    clusterer = FixedLabels([0, 0, 1])
    found = clusterer.localise(torch.tensor([EAST, EAST, NORTH], dtype=dtype, requires_grad=True))
    assert clusterer.seen.dtype == found.score.dtype == torch.float32
    assert not clusterer.seen.requires_grad
    assert found.forged.tolist() == [False, False, True]


def test_a_transposed_map_gives_the_same_as_its_copy() -> None:
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(6, 20, generator=generator).T
    clusterer = FixedLabels([0, 0, 1, -1] * 5)
    found, of_copy = clusterer.localise(points), clusterer.localise(points.contiguous())
    assert not points.is_contiguous()
    assert torch.equal(found.forged, of_copy.forged)
    torch.testing.assert_close(found.score, of_copy.score)


@pytest.mark.parametrize('value', [float('nan'), float('inf'), -float('inf')])
def test_an_embedding_that_is_not_finite_is_refused(value: float) -> None:
    points = torch.tensor([EAST, (0.0, value)])
    with pytest.raises(ValueError, match='NaN or infinity'):
        FixedLabels([0, 0]).localise(points)


@pytest.mark.parametrize('shape', [(0, 4), (4,), (1, 4, 4)])
def test_a_wrong_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match='at least one point'):
        FixedLabels([0]).localise(torch.zeros(shape))


def test_an_unknown_noise_option_is_refused() -> None:
    with pytest.raises(ValueError, match="got 'nothing'"):
        FixedLabels([0], noise='nothing')


@pytest.mark.parametrize(
    'name',
    [
        'HDBSCANClusterer',
        'KMeansClusterer',
        'BisectingKMeansClusterer',
        'BIRCHClusterer',
        'HierarchicalClusterer',
    ],
)
def test_a_config_builds_a_clusterer_by_its_name(name: str) -> None:
    found = TASK_UTILS.build(dict(type=name)).localise(torch.tensor([EAST, NORTH, EAST]))
    assert isinstance(found, Localisation)


class OfGrid(Clusterer):
    """Each row of the map its own cluster; without a grid all points are one."""

    def fit_predict(self, embeddings: Tensor) -> Tensor:
        return torch.zeros(len(embeddings), dtype=torch.long)

    def fit_predict_grid(self, embeddings: Tensor, grid: tuple[int, int]) -> Tensor:
        return torch.arange(grid[0]).repeat_interleave(grid[1])


def test_a_grid_reaches_the_clusterers_that_want_it() -> None:
    points = torch.tensor([EAST] * 6)
    assert OfGrid().localise(points).num_clusters == 1
    assert OfGrid().localise(points, (2, 3)).num_clusters == 2
    assert FixedLabels([0, 0, 1]).localise(torch.tensor([EAST, EAST, NORTH]), (1, 3)).num_clusters == 2


def test_a_grid_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match='a grid of 2 x 4 does not hold 6 embeddings'):
        OfGrid().localise(torch.tensor([EAST] * 6), (2, 4))


def test_a_batch_gives_what_its_images_give_alone() -> None:
    generator = torch.Generator().manual_seed(0)
    batch = [F.normalize(torch.randn(points, 3, generator=generator), dim=1) for points in (6, 12, 1, 20)]
    grids = [(2, 3), None, (1, 1), (5, 4)]
    for found, embeddings, grid in zip(OfGrid().localise_batch(batch, grids), batch, grids, strict=True):
        alone = OfGrid().localise(embeddings, grid)
        assert torch.equal(found.forged, alone.forged) and torch.equal(found.score, alone.score)
        assert found.num_clusters == alone.num_clusters
    assert [found.num_clusters for found in OfGrid().localise_batch(batch)] == [1] * 4
    with pytest.raises(ValueError):
        OfGrid().localise_batch(batch, grids[:3])


def test_the_seconds_of_the_clustering_are_told() -> None:
    class Slow(FixedLabels):
        def fit_predict(self, embeddings: Tensor) -> Tensor:
            time.sleep(0.05)
            return super().fit_predict(embeddings)

    assert 0.05 <= Slow([0, 0]).localise(torch.tensor([EAST, NORTH])).seconds < 5


def test_autocast_does_not_reach_the_clustering() -> None:
    class Product(FixedLabels):
        def fit_predict(self, embeddings: Tensor) -> Tensor:
            self.product = embeddings @ embeddings.T
            return super().fit_predict(embeddings)

    clusterer = Product([0, 1])
    with torch.autocast('cpu', torch.bfloat16):
        assert (torch.eye(2) @ torch.eye(2)).dtype == torch.bfloat16
        clusterer.localise(torch.tensor([EAST, NORTH]))
    assert clusterer.product.dtype == torch.float32


@pytest.mark.parametrize('batch', [1, 3])
def test_tensors_of_inference_mode_are_clustered(batch: int) -> None:
    with torch.inference_mode():
        points = torch.tensor([EAST] * 9 + [NORTH] * 6)
        for found in TASK_UTILS.build(dict(type='HDBSCANClusterer', min_cluster_size=3, min_samples=2)).localise_batch(
            [points] * batch
        ):
            assert found.forged.tolist() == [False] * 9 + [True] * 6


@given(clusterings())
@settings(max_examples=100, deadline=None)
def test_labels_go_from_the_pristine_cluster_to_the_smallest_and_distances_follow_them(
    clustering: tuple[Tensor, Tensor],
) -> None:
    points, labels = clustering
    found = localise(points, labels)
    assert torch.equal(found.labels < 0, labels < 0) or not (labels >= 0).any()
    sizes = torch.bincount(found.labels[found.labels >= 0]).tolist()
    assert sizes == sorted(sizes, reverse=True) and len(sizes) == max(1, found.num_clusters)
    centres = torch.stack([points[found.labels == number].double().mean(0) for number in range(len(sizes))])
    torch.testing.assert_close(found.distances.double(), torch.cdist(points.double(), centres), atol=1e-5, rtol=0)
    wanted = (centres - centres[0]).norm(dim=1)
    torch.testing.assert_close(found.centre_distances.double(), wanted, atol=1e-5, rtol=0)
    for before in labels.unique():
        assert len(found.labels[labels == before].unique()) == 1


def test_each_point_has_a_source_which_is_its_cluster_or_the_nearest() -> None:
    points = torch.tensor([EAST] * 5 + [NORTH] * 3 + [WEST] * 2 + [at_angle(80), at_angle(20), at_angle(170)])
    found = localise(points, torch.tensor([4] * 5 + [0] * 3 + [2] * 2 + [4, -1, -1]))
    assert found.labels.tolist() == [0] * 5 + [1] * 3 + [2] * 2 + [0, -1, -1]
    assert found.sources[5:].tolist() == [1] * 3 + [2] * 2 + [1, 1, 2]
    alone = localise(points, torch.zeros(len(points), dtype=torch.long))
    assert alone.sources.tolist() == [1] * len(points)
