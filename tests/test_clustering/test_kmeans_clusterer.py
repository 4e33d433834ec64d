from collections.abc import Callable

import pytest
import torch
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from torch import Tensor

from focal_mmseg.clustering import KMeansClusterer


@pytest.mark.parametrize('n_clusters', [1, 2, 3, 5])
@pytest.mark.parametrize('spread', [0.1, 0.5])
def test_labels_equal_those_of_scikit_learn(blobs: Callable[..., Tensor], n_clusters: int, spread: float) -> None:
    points = blobs([60, 30, 20], spread=spread)
    theirs = KMeans(n_clusters, n_init=4, random_state=3).fit_predict(points.numpy())
    ours = KMeansClusterer(n_clusters, n_init=4, random_state=3).fit_predict(points)
    assert ours.dtype == torch.int64
    assert adjusted_rand_score(theirs, ours) == 1.0


def test_the_smaller_blob_is_forged(blobs: Callable[..., Tensor]) -> None:
    found = KMeansClusterer().localise(blobs([60, 30]))
    assert found.forged.tolist() == [False] * 60 + [True] * 30
    assert (found.num_clusters, found.noise_share) == (2, 0.0)


def test_the_same_seed_gives_the_same_labels(blobs: Callable[..., Tensor]) -> None:
    points = blobs([100], spread=1.0)
    one, other = (KMeansClusterer(5, n_init=1).fit_predict(points) for _ in range(2))
    assert torch.equal(one, other)


def test_the_seed_reaches_the_starts(blobs: Callable[..., Tensor]) -> None:
    points = blobs([100], spread=1.0)
    labels = [tuple(KMeansClusterer(5, n_init=1, random_state=seed).fit_predict(points).tolist()) for seed in range(4)]
    assert len(set(labels)) > 1


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize(('distinct', 'clusters'), [(1, 1), (2, 2), (4, 3)])
def test_fewer_distinct_points_than_clusters_are_a_cluster_each(distinct: int, clusters: int) -> None:
    found = KMeansClusterer(3).localise(torch.eye(4)[:distinct].repeat_interleave(5, 0))
    assert found.num_clusters == clusters


def test_equal_points_are_pristine() -> None:
    assert not KMeansClusterer().localise(torch.eye(3)[:1].repeat(10, 1)).forged.any()


def test_one_point_is_pristine() -> None:
    found = KMeansClusterer().localise(torch.eye(3)[:1])
    assert found.forged.tolist() == [False] and found.num_clusters == 1


@pytest.mark.parametrize('options', [dict(n_clusters=0), dict(n_init=0)])
def test_an_option_out_of_range_is_refused(options: dict) -> None:
    with pytest.raises(ValueError, match='must be at least 1'):
        KMeansClusterer(**options)
