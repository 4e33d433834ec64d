from collections.abc import Callable

import numpy as np
import pytest
import torch
from mmseg.registry import TASK_UTILS
from scipy import ndimage
from scipy.sparse import coo_matrix
from sklearn.cluster import AgglomerativeClustering, Birch, BisectingKMeans, KMeans
from sklearn.metrics import adjusted_rand_score
from torch import Tensor

from focal_mmseg.clustering import (
    BIRCHClusterer,
    BisectingKMeansClusterer,
    Clusterer,
    HierarchicalClusterer,
    KMeansClusterer,
)


def neighbours(height: int, width: int) -> coo_matrix:
    """1 for every two points of a map, row by row, that share a side."""
    pairs = [
        (row * width + column, other_row * width + other_column)
        for row in range(height)
        for column in range(width)
        for other_row in range(height)
        for other_column in range(width)
        if abs(row - other_row) + abs(column - other_column) == 1
    ]
    return coo_matrix((np.ones(len(pairs)), np.array(pairs).T), shape=(height * width, height * width))


each_clusterer = pytest.mark.parametrize(
    'make',
    [BIRCHClusterer, BisectingKMeansClusterer, HierarchicalClusterer, KMeansClusterer],
)
each_with_starts = pytest.mark.parametrize('make', [BisectingKMeansClusterer, KMeansClusterer])


# What the four share.


@pytest.mark.parametrize('n_clusters', [1, 2, 3, 5])
@pytest.mark.parametrize('spread', [0.1, 0.5])
@pytest.mark.parametrize(
    ('ours', 'theirs'),
    [
        (
            lambda n: BisectingKMeansClusterer(n, n_init=4, random_state=3),
            lambda n: BisectingKMeans(n, init='k-means++', n_init=4, random_state=3, tol=1e-6),
        ),
        (HierarchicalClusterer, lambda n: AgglomerativeClustering(n, linkage='ward')),
        (
            lambda n: KMeansClusterer(n, n_init=4, random_state=3),
            lambda n: KMeans(n, n_init=4, random_state=3),
        ),
        (lambda n: BIRCHClusterer(n, 0.1), lambda n: Birch(n_clusters=n, threshold=0.1)),
        (lambda n: BIRCHClusterer(n, 0.25), lambda n: Birch(n_clusters=n, threshold=0.25)),
        (lambda n: BIRCHClusterer(n, 0.25, 3), lambda n: Birch(n_clusters=n, threshold=0.25, branching_factor=3)),
    ],
    ids=['bisecting', 'hierarchical', 'kmeans', 'birch .1', 'birch .25', 'birch of 3 branches'],
)
def test_labels_equal_those_of_scikit_learn(
    blobs: Callable[..., Tensor], ours: Callable, theirs: Callable, spread: float, n_clusters: int
) -> None:
    points = blobs([60, 30, 20], spread=spread)
    labels = ours(n_clusters).fit_predict(points)
    assert labels.dtype == torch.int64
    assert adjusted_rand_score(theirs(n_clusters).fit_predict(points.double().numpy()), labels) == 1.0


@each_clusterer
def test_the_smaller_blob_is_forged(blobs: Callable[..., Tensor], make: type[Clusterer]) -> None:
    found = TASK_UTILS.build(dict(type=make.__name__)).localise(blobs([60, 30]))
    assert found.forged.tolist() == [False] * 60 + [True] * 30
    assert (found.num_clusters, found.noise_share) == (2, 0.0)


@each_clusterer
def test_the_same_points_give_the_same_labels_and_stay_as_they_are(
    blobs: Callable[..., Tensor], make: type[Clusterer]
) -> None:
    points = blobs([100], spread=1.0)
    before = points.clone()
    one, other = (make(5).fit_predict(points) for _ in range(2))
    assert torch.equal(one, other)
    assert torch.equal(points, before)


@each_clusterer
def test_a_transposed_map_gives_the_same_as_its_copy(blobs: Callable[..., Tensor], make: type[Clusterer]) -> None:
    points = blobs([60, 30]).T.contiguous().T
    assert not points.is_contiguous()
    assert torch.equal(make().fit_predict(points), make().fit_predict(points.contiguous()))


@pytest.mark.filterwarnings('error')
@each_clusterer
@pytest.mark.parametrize(('distinct', 'clusters'), [(1, 1), (2, 2), (4, 3)])
def test_fewer_distinct_points_than_clusters_are_a_cluster_each(
    make: type[Clusterer], distinct: int, clusters: int
) -> None:
    found = make(3).localise(torch.eye(4)[:distinct].repeat_interleave(5, 0))
    assert found.num_clusters == clusters


@pytest.mark.filterwarnings('error')
@each_clusterer
@pytest.mark.parametrize('points', [1, 10])
def test_equal_points_are_pristine(make: type[Clusterer], points: int) -> None:
    found = make().localise(torch.eye(3)[:1].repeat(points, 1))
    assert not found.forged.any() and found.num_clusters == 1


@pytest.mark.parametrize(
    ('make', 'options', 'message'),
    [
        (BIRCHClusterer, dict(n_clusters=0), 'n_clusters must be at least 1, got 0'),
        (BIRCHClusterer, dict(threshold=0.0), 'threshold must be above 0, got 0.0'),
        (BIRCHClusterer, dict(threshold=float('nan')), 'threshold must be above 0, got nan'),
        (BIRCHClusterer, dict(branching_factor=1), 'branching_factor must be at least 2, got 1'),
        (BIRCHClusterer, dict(n_clusters=3, max_subclusters=2), 'at least n_clusters, got 2 for 3 clusters'),
        (BisectingKMeansClusterer, dict(n_clusters=0), 'n_clusters must be at least 1, got 0'),
        (BisectingKMeansClusterer, dict(n_init=0), 'n_init must be at least 1, got 0'),
        (HierarchicalClusterer, dict(n_clusters=0), 'n_clusters must be at least 1, got 0'),
        (HierarchicalClusterer, dict(max_unstructured=0), 'max_unstructured must be at least 1, got 0'),
        (KMeansClusterer, dict(n_clusters=0), 'n_clusters must be at least 1, got 0'),
        (KMeansClusterer, dict(n_init=0), 'n_init must be at least 1, got 0'),
    ],
)
def test_an_option_out_of_range_is_refused(make: type[Clusterer], options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**options)


# K-means and bisecting K-means.


@each_with_starts
def test_the_seed_reaches_the_starts(blobs: Callable[..., Tensor], make: type[Clusterer]) -> None:
    points = blobs([100], spread=1.0)
    labels = [tuple(make(5, n_init=1, random_state=seed).fit_predict(points).tolist()) for seed in range(4)]
    assert len(set(labels)) > 1


def test_two_clusters_are_those_of_k_means(blobs: Callable[..., Tensor]) -> None:
    points = blobs([60, 30], spread=0.5)
    ours, k_means = BisectingKMeansClusterer().fit_predict(points), KMeansClusterer().fit_predict(points)
    assert adjusted_rand_score(k_means, ours) == 1.0


@pytest.mark.parametrize('seed', [0, 1, 2])
def test_close_points_are_split_until_none_is_nearer_to_the_other_centre(
    blobs: Callable[..., Tensor], seed: int
) -> None:
    points = blobs([300], width=64, spread=1e-3, seed=seed)
    labels = BisectingKMeansClusterer(n_init=1).fit_predict(points)
    points = points.double()
    to_centres = torch.stack([(points - points[labels == label].mean(0)).norm(dim=1) for label in range(2)])
    assert torch.equal(to_centres.argmin(0), labels)


def test_the_cluster_with_the_largest_error_is_split(blobs: Callable[..., Tensor]) -> None:
    tight, wide = blobs([100], spread=0.01), blobs([0, 40], spread=0.5)
    labels = BisectingKMeansClusterer(3).fit_predict(torch.cat([tight, wide]))
    assert len(set(labels[:100].tolist())) == 1
    assert len(set(labels[100:].tolist()) - set(labels[:100].tolist())) == 2


@pytest.mark.filterwarnings('error')
def test_points_apart_by_one_rounding_are_told_apart() -> None:
    close = torch.nextafter(torch.tensor(1.0), torch.tensor(0.0)).item()
    points = torch.tensor([[1.0, 0.0]] * 5 + [[0.0, 1.0]] * 3 + [[0.0, close]])
    assert BisectingKMeansClusterer(3).localise(points).num_clusters == 3


# Ward's method, with and without a map's grid.


@pytest.mark.parametrize('grid', [(4, 15), (15, 4), (1, 60), (60, 1)])
def test_a_large_map_joins_only_what_touches(blobs: Callable[..., Tensor], grid: tuple[int, int]) -> None:
    points = blobs([60], spread=1.0)
    theirs = AgglomerativeClustering(4, connectivity=neighbours(*grid), linkage='ward').fit_predict(points.numpy())
    ours = HierarchicalClusterer(4, max_unstructured=59).fit_predict_grid(points, grid)
    assert ours.dtype == torch.int64
    assert adjusted_rand_score(theirs, ours) == 1.0
    for label in range(4):
        assert ndimage.label((ours == label).view(grid).numpy())[1] == 1


def test_a_small_map_joins_what_does_not_touch(blobs: Callable[..., Tensor]) -> None:
    points = blobs([60], spread=1.0)
    clusterer = HierarchicalClusterer(4, max_unstructured=60)
    labels = clusterer.fit_predict_grid(points, (4, 15))
    assert torch.equal(labels, clusterer.fit_predict(points))
    assert any(ndimage.label((labels == label).view(4, 15).numpy())[1] > 1 for label in range(4))


@pytest.mark.parametrize(('max_unstructured', 'areas'), [(60, 2), (59, 1)])
def test_two_areas_apart_are_two_regions_of_a_large_map(max_unstructured: int, areas: int) -> None:
    forged = torch.zeros(5, 12, dtype=torch.bool)
    forged[1:4, 1:3] = forged[2:4, 8:10] = True
    found = HierarchicalClusterer(max_unstructured=max_unstructured).localise(
        torch.eye(3)[forged.flatten().long()], (5, 12)
    )
    assert ndimage.label(found.forged.view(5, 12).numpy())[1] == areas
    assert not (found.forged & ~forged.flatten()).any()


@pytest.mark.parametrize('max_unstructured', [4096, 1])
def test_the_smaller_blob_of_a_map_is_forged(blobs: Callable[..., Tensor], max_unstructured: int) -> None:
    clusterer = TASK_UTILS.build(dict(type='HierarchicalClusterer', max_unstructured=max_unstructured))
    found = clusterer.localise(blobs([60, 30]), (9, 10))
    assert found.forged.tolist() == [False] * 60 + [True] * 30
    assert (found.num_clusters, found.noise_share) == (2, 0.0)


def test_too_many_points_without_a_grid_are_refused(blobs: Callable[..., Tensor]) -> None:
    points = blobs([60, 40])
    with pytest.raises(ValueError, match='100 points are more than max_unstructured=99: give the grid'):
        HierarchicalClusterer(max_unstructured=99).localise(points)
    assert HierarchicalClusterer(max_unstructured=100).localise(points).num_clusters == 2


@pytest.mark.parametrize('max_unstructured', [100, 99])
def test_the_same_map_gives_the_same_labels_and_stays_as_it_is(
    blobs: Callable[..., Tensor], max_unstructured: int
) -> None:
    points = blobs([100], spread=1.0)
    before = points.clone()
    clusterer = HierarchicalClusterer(5, max_unstructured)
    one, other = (clusterer.fit_predict_grid(points, (5, 20)) for _ in range(2))
    assert torch.equal(one, other)
    assert torch.equal(points, before)


@pytest.mark.parametrize('max_unstructured', [90, 89])
def test_a_transposed_map_of_a_grid_gives_the_same_as_its_copy(
    blobs: Callable[..., Tensor], max_unstructured: int
) -> None:
    points = blobs([60, 30], spread=0.5).T.contiguous().T
    assert not points.is_contiguous()
    clusterer = HierarchicalClusterer(5, max_unstructured)
    one, other = (clusterer.fit_predict_grid(each, (6, 15)) for each in (points, points.contiguous()))
    assert torch.equal(one, other)


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('max_unstructured', [4096, 1])
@pytest.mark.parametrize(('distinct', 'clusters'), [(1, 1), (2, 2), (4, 3)])
def test_fewer_distinct_points_of_a_map_than_clusters_are_as_many_clusters(
    distinct: int, clusters: int, max_unstructured: int
) -> None:
    points = torch.eye(4)[:distinct].repeat(6, 1)
    found = HierarchicalClusterer(3, max_unstructured).localise(points, (distinct, 6))
    assert found.num_clusters == clusters


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize(('points', 'max_unstructured'), [(1, 1), (10, 10), (10, 9)])
def test_equal_points_of_a_map_are_pristine(points: int, max_unstructured: int) -> None:
    clusterer = HierarchicalClusterer(max_unstructured=max_unstructured)
    found = clusterer.localise(torch.eye(3)[:1].repeat(points, 1), (1, points))
    assert not found.forged.any() and found.num_clusters == 1


# BIRCH, whose tree is bounded.


def test_the_pass_in_chunks_is_one_pass(blobs: Callable[..., Tensor]) -> None:
    points = blobs([1500, 1000], spread=0.3)
    theirs = Birch(n_clusters=5, threshold=0.4).fit_predict(points.double().numpy())
    assert adjusted_rand_score(theirs, BIRCHClusterer(5, threshold=0.4).fit_predict(points)) == 1.0


@pytest.mark.parametrize('most', [5, 20, 60])
def test_the_threshold_is_raised_until_the_subclusters_fit(blobs: Callable[..., Tensor], most: int) -> None:
    points = blobs([60, 30, 20], spread=0.2)
    threshold = 0.1
    while len(Birch(n_clusters=None, threshold=threshold).fit(points.double().numpy()).subcluster_centers_) > most:
        threshold *= 1.1
    assert threshold > 0.1
    theirs = Birch(n_clusters=4, threshold=threshold).fit_predict(points.double().numpy())
    assert adjusted_rand_score(theirs, BIRCHClusterer(4, 0.1, max_subclusters=most).fit_predict(points)) == 1.0


def test_a_threshold_whose_subclusters_just_fit_is_kept() -> None:
    points = torch.eye(4)[:3].repeat_interleave(5, 0)
    assert BIRCHClusterer(3, max_subclusters=3).localise(points).num_clusters == 3


def test_a_tree_is_given_up_before_it_holds_every_point(
    blobs: Callable[..., Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    partial_fit = Birch.partial_fit

    def counted(self: Birch, *args: object) -> Birch:
        partial_fit(self, *args)
        sizes.append(len(self.subcluster_centers_))
        return self

    monkeypatch.setattr(Birch, 'partial_fit', counted)
    found = BIRCHClusterer(max_subclusters=100).localise(blobs([3000, 2000], spread=0.1))
    assert found.forged.tolist() == [False] * 3000 + [True] * 2000
    assert 100 < max(sizes) <= 100 + 1024


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize(('threshold', 'clusters'), [(0.1, 3), (0.6, 2), (2.0, 1)])
def test_fewer_subclusters_than_clusters_are_a_cluster_each(threshold: float, clusters: int) -> None:
    points = torch.tensor([[1.0, 0.0]] * 5 + [[0.8, 0.6]] * 3 + [[-1.0, 0.0]] * 2)
    found = BIRCHClusterer(3, threshold).localise(points)
    assert found.num_clusters == clusters
    assert found.forged[0].item() is False and found.forged[-1].item() is (clusters > 1)


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('threshold', [0.1, 1e-9])
@pytest.mark.parametrize(('distinct', 'clusters'), [(1, 1), (2, 2), (4, 3)])
def test_fewer_distinct_points_than_clusters_are_a_cluster_each_at_any_threshold(
    distinct: int, clusters: int, threshold: float
) -> None:
    found = BIRCHClusterer(3, threshold).localise(torch.eye(4)[:distinct].repeat_interleave(5, 0))
    assert found.num_clusters == clusters


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('threshold', [0.1, 1e-9])
@pytest.mark.parametrize('points', [1, 531])
def test_equal_points_are_pristine_at_any_threshold(
    blobs: Callable[..., Tensor], points: int, threshold: float
) -> None:
    # Of these, scikit-learn makes two clusters at the tiny threshold.
    equal = blobs([1], width=256, seed=14).repeat(points, 1)
    found = BIRCHClusterer(threshold=threshold).localise(equal)
    assert not found.forged.any() and found.num_clusters == 1


def test_points_closer_than_float32_squares_tell_apart_stay_two_clusters(blobs: Callable[..., Tensor]) -> None:
    one = blobs([1])
    points = torch.cat([one.repeat(60, 1), (one + 1e-4 * torch.eye(8)[1:2]).repeat(30, 1)])
    found = BIRCHClusterer(threshold=1e-6).localise(points)
    assert found.forged.tolist() == [False] * 60 + [True] * 30
