from collections.abc import Callable

import numpy as np
import pytest
import torch
from mmseg.registry import TASK_UTILS
from scipy import ndimage
from scipy.sparse import coo_matrix
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import adjusted_rand_score
from torch import Tensor

from focal_mmseg.clustering import HierarchicalClusterer


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


@pytest.mark.parametrize('n_clusters', [1, 2, 3, 5])
@pytest.mark.parametrize('spread', [0.1, 0.5])
def test_labels_equal_those_of_scikit_learn(blobs: Callable[..., Tensor], n_clusters: int, spread: float) -> None:
    points = blobs([60, 30, 20], spread=spread)
    theirs = AgglomerativeClustering(n_clusters, linkage='ward').fit_predict(points.numpy())
    ours = HierarchicalClusterer(n_clusters).fit_predict(points)
    assert ours.dtype == torch.int64
    assert adjusted_rand_score(theirs, ours) == 1.0


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
def test_the_smaller_blob_is_forged(blobs: Callable[..., Tensor], max_unstructured: int) -> None:
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
def test_the_same_points_give_the_same_labels_and_stay_as_they_are(
    blobs: Callable[..., Tensor], max_unstructured: int
) -> None:
    points = blobs([100], spread=1.0)
    before = points.clone()
    clusterer = HierarchicalClusterer(5, max_unstructured)
    one, other = (clusterer.fit_predict_grid(points, (5, 20)) for _ in range(2))
    assert torch.equal(one, other)
    assert torch.equal(points, before)


@pytest.mark.parametrize('max_unstructured', [90, 89])
def test_a_transposed_map_gives_the_same_as_its_copy(blobs: Callable[..., Tensor], max_unstructured: int) -> None:
    points = blobs([60, 30], spread=0.5).T.contiguous().T
    assert not points.is_contiguous()
    clusterer = HierarchicalClusterer(5, max_unstructured)
    one, other = (clusterer.fit_predict_grid(each, (6, 15)) for each in (points, points.contiguous()))
    assert torch.equal(one, other)


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('max_unstructured', [4096, 1])
@pytest.mark.parametrize(('distinct', 'clusters'), [(1, 1), (2, 2), (4, 3)])
def test_fewer_distinct_points_than_clusters_are_as_many_clusters(
    distinct: int, clusters: int, max_unstructured: int
) -> None:
    points = torch.eye(4)[:distinct].repeat(6, 1)
    found = HierarchicalClusterer(3, max_unstructured).localise(points, (distinct, 6))
    assert found.num_clusters == clusters


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize(('points', 'max_unstructured'), [(1, 1), (10, 10), (10, 9)])
def test_equal_points_are_pristine(points: int, max_unstructured: int) -> None:
    clusterer = HierarchicalClusterer(max_unstructured=max_unstructured)
    found = clusterer.localise(torch.eye(3)[:1].repeat(points, 1), (1, points))
    assert not found.forged.any() and found.num_clusters == 1


@pytest.mark.parametrize('options', [dict(n_clusters=0), dict(max_unstructured=0)])
def test_an_option_out_of_range_is_refused(options: dict) -> None:
    with pytest.raises(ValueError, match='must be at least 1'):
        HierarchicalClusterer(**options)
