from collections.abc import Callable

import pytest
import torch
from mmseg.registry import TASK_UTILS
from sklearn.cluster import BisectingKMeans
from sklearn.metrics import adjusted_rand_score
from torch import Tensor

from focal_mmseg.clustering import BisectingKMeansClusterer, KMeansClusterer


@pytest.mark.parametrize('n_clusters', [1, 2, 3, 5])
@pytest.mark.parametrize('spread', [0.1, 0.5])
def test_labels_equal_those_of_scikit_learn(blobs: Callable[..., Tensor], n_clusters: int, spread: float) -> None:
    points = blobs([60, 30, 20], spread=spread)
    theirs = BisectingKMeans(n_clusters, init='k-means++', n_init=4, random_state=3, tol=1e-6)
    ours = BisectingKMeansClusterer(n_clusters, n_init=4, random_state=3).fit_predict(points)
    assert ours.dtype == torch.int64
    assert adjusted_rand_score(theirs.fit_predict(points.double().numpy()), ours) == 1.0


def test_the_smaller_blob_is_forged(blobs: Callable[..., Tensor]) -> None:
    found = TASK_UTILS.build(dict(type='BisectingKMeansClusterer')).localise(blobs([60, 30]))
    assert found.forged.tolist() == [False] * 60 + [True] * 30
    assert (found.num_clusters, found.noise_share) == (2, 0.0)


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


def test_the_same_seed_gives_the_same_labels(blobs: Callable[..., Tensor]) -> None:
    points = blobs([100], spread=1.0)
    one, other = (BisectingKMeansClusterer(5, n_init=1).fit_predict(points) for _ in range(2))
    assert torch.equal(one, other)


def test_the_seed_reaches_the_starts(blobs: Callable[..., Tensor]) -> None:
    points = blobs([100], spread=1.0)
    labels = [tuple(BisectingKMeansClusterer(5, 1, seed).fit_predict(points).tolist()) for seed in range(4)]
    assert len(set(labels)) > 1


def test_a_transposed_map_gives_the_same_as_its_copy(blobs: Callable[..., Tensor]) -> None:
    points = blobs([60, 30]).T.contiguous().T
    assert not points.is_contiguous()
    clusterer = BisectingKMeansClusterer()
    assert torch.equal(clusterer.fit_predict(points), clusterer.fit_predict(points.contiguous()))


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize(('distinct', 'clusters'), [(1, 1), (2, 2), (4, 3)])
def test_fewer_distinct_points_than_clusters_are_a_cluster_each(distinct: int, clusters: int) -> None:
    found = BisectingKMeansClusterer(3).localise(torch.eye(4)[:distinct].repeat_interleave(5, 0))
    assert found.num_clusters == clusters


@pytest.mark.filterwarnings('error')
def test_points_apart_by_one_rounding_are_told_apart() -> None:
    close = torch.nextafter(torch.tensor(1.0), torch.tensor(0.0)).item()
    points = torch.tensor([[1.0, 0.0]] * 5 + [[0.0, 1.0]] * 3 + [[0.0, close]])
    assert BisectingKMeansClusterer(3).localise(points).num_clusters == 3


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('points', [1, 10])
def test_equal_points_are_pristine(points: int) -> None:
    found = BisectingKMeansClusterer().localise(torch.eye(3)[:1].repeat(points, 1))
    assert not found.forged.any() and found.num_clusters == 1


@pytest.mark.parametrize('options', [dict(n_clusters=0), dict(n_init=0)])
def test_an_option_out_of_range_is_refused(options: dict) -> None:
    with pytest.raises(ValueError, match='must be at least 1'):
        BisectingKMeansClusterer(**options)
