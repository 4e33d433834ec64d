from collections.abc import Callable

import hdbscan
import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hdbscan._hdbscan_linkage import label
from hypothesis import HealthCheck, given, settings
from sklearn.cluster._hierarchical_fast import single_linkage_label
from sklearn.metrics import adjusted_rand_score
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.clustering import HDBSCANClusterer
from focal_mmseg.clustering.spanning_tree import mutual_reachability_tree


@pytest.mark.parametrize(
    'options',
    [
        dict(min_cluster_size=10, min_samples=5),
        dict(min_cluster_size=15, min_samples=1),
        dict(min_cluster_size=60, min_samples=20),
        dict(min_cluster_size=60, min_samples=20, allow_single_cluster=False),
        dict(min_cluster_size=10, min_samples=5, cluster_selection_method='leaf'),
        dict(min_cluster_size=5, min_samples=3, cluster_selection_epsilon=0.4),
        dict(min_cluster_size=10, min_samples=5, cluster_selection_epsilon=2.0, allow_single_cluster=True),
        dict(min_cluster_size=10, min_samples=10, allow_single_cluster=True),
        dict(min_cluster_size=15, min_samples=None),
    ],
    ids=str,
)
@pytest.mark.parametrize('spread', [0.05, 0.1, 0.15])
def test_labels_equal_those_of_the_hdbscan_package(blobs: Callable[..., Tensor], options: dict, spread: float) -> None:
    points = blobs([120, 50, 30], spread=spread)
    theirs = hdbscan.HDBSCAN(**{'allow_single_cluster': True, **options}, algorithm='generic')
    theirs = theirs.fit_predict(points.double().numpy())
    ours = HDBSCANClusterer(**options).fit_predict(points)
    assert ours.dtype == torch.int64
    assert adjusted_rand_score(theirs, ours) == 1.0
    assert (theirs == -1).tolist() == (ours == -1).tolist()


@pytest.mark.parametrize('spread', [0.1, 0.3])
def test_the_hierarchy_equals_that_of_the_hdbscan_package(blobs: Callable[..., Tensor], spread: float) -> None:
    tree = mutual_reachability_tree(blobs([120, 50, 30], spread=spread), 5)
    np.testing.assert_array_equal(single_linkage_label(tree), label(tree))


@pytest.mark.parametrize('seed', range(5))
def test_blobs_that_touch_differ_from_the_hdbscan_package_by_ties_only(blobs: Callable[..., Tensor], seed: int) -> None:
    # Equal distances may be joined in any order; the package's own algorithms differ among themselves by as much.
    points = blobs([120, 50, 30], spread=0.3, seed=seed)
    theirs = hdbscan.HDBSCAN(10, min_samples=5, allow_single_cluster=True, algorithm='generic')
    theirs = theirs.fit_predict(points.double().numpy())
    assert adjusted_rand_score(theirs, HDBSCANClusterer(10, 5).fit_predict(points)) > 0.95


def test_three_blobs_are_three_clusters(blobs: Callable[..., Tensor]) -> None:
    labels = HDBSCANClusterer(10, 5).fit_predict(blobs([120, 50, 30]))
    assert adjusted_rand_score([0] * 120 + [1] * 50 + [2] * 30, labels) == 1.0


@pytest.mark.parametrize(('method', 'clusters'), [('eom', 2), ('leaf', 3)])
def test_leaf_splits_a_cluster_that_eom_keeps(blobs: Callable[..., Tensor], method: str, clusters: int) -> None:
    points = blobs([120, 60], spread=0.05)
    points[:60, 2] += 0.3
    points = F.normalize(points, dim=1)
    theirs = hdbscan.HDBSCAN(20, min_samples=5, cluster_selection_method=method, algorithm='generic')
    labels = HDBSCANClusterer(20, 5, cluster_selection_method=method).fit_predict(points)
    assert labels.max() + 1 == clusters
    assert adjusted_rand_score(theirs.fit_predict(points.double().numpy()), labels) == 1.0


def test_two_sources_are_forged_together(blobs: Callable[..., Tensor]) -> None:
    found = HDBSCANClusterer(10, 5).localise(blobs([120, 50, 30]))
    assert found.forged.tolist() == [False] * 120 + [True] * 80
    assert found.num_clusters == 3


def test_equal_embeddings_of_a_flat_area_stay_one_cluster(blobs: Callable[..., Tensor]) -> None:
    flat = F.normalize(torch.randn(1, 64, generator=torch.Generator().manual_seed(0)), dim=1).repeat(400, 1)
    labels = HDBSCANClusterer(10, 5).fit_predict(torch.cat([flat, -flat[:150], blobs([100], width=64)]))
    assert adjusted_rand_score([0] * 400 + [1] * 150 + [2] * 100, labels) == 1.0


@pytest.mark.parametrize(('share', 'points', 'count'), [(0.1, 200, 20), (0.25, 202, 50), (0.001, 200, 2)])
def test_a_share_means_that_count_of_the_points(
    blobs: Callable[..., Tensor], share: float, points: int, count: int
) -> None:
    embeddings = blobs([points - 62, 40, 22], spread=0.2)
    by_share = HDBSCANClusterer(share, 5).fit_predict(embeddings)
    assert torch.equal(by_share, HDBSCANClusterer(count, 5).fit_predict(embeddings))


def test_a_larger_share_swallows_the_small_blob(blobs: Callable[..., Tensor]) -> None:
    embeddings = blobs([120, 50, 30])
    assert HDBSCANClusterer(0.1, 5).localise(embeddings).num_clusters == 3
    assert HDBSCANClusterer(0.2, 5).localise(embeddings).num_clusters == 2


@pytest.mark.parametrize('allow_single_cluster', [False, True])
@pytest.mark.parametrize('size', [1, 2, 5, 19])
def test_fewer_points_than_two_clusters_need_are_one(
    blobs: Callable[..., Tensor], allow_single_cluster: bool, size: int
) -> None:
    found = HDBSCANClusterer(10, 5, allow_single_cluster=allow_single_cluster).localise(blobs([size]))
    assert not found.forged.any()
    assert (found.num_clusters, found.noise_share) == (1, 0.0)


def test_more_min_samples_than_points_is_allowed(blobs: Callable[..., Tensor]) -> None:
    assert HDBSCANClusterer(5, 1000).fit_predict(blobs([30, 20])).shape == (50,)


@pytest.mark.parametrize('noise', ['nearest', 'pristine', 'forged'])
def test_equal_points_are_one_cluster(noise: str) -> None:
    points = F.normalize(torch.ones(100, 7), dim=1)
    found = HDBSCANClusterer(10, 5, noise=noise).localise(points)
    assert not found.forged.any() and found.score.max() < 1e-6
    assert found.num_clusters == 1


@pytest.mark.parametrize('seed', range(5))
def test_a_single_blob_is_pristine(blobs: Callable[..., Tensor], seed: int) -> None:
    found = HDBSCANClusterer(10, 10, allow_single_cluster=True).localise(blobs([300], spread=0.2, seed=seed))
    assert found.num_clusters == 1
    assert not found.forged.any()


@given(st.permutations(range(90)))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_order_of_the_points_does_not_matter(blobs: Callable[..., Tensor], order: list[int]) -> None:
    points = blobs([50, 25, 15], spread=0.15)
    clusterer = HDBSCANClusterer(8, 4)
    found, of_permuted = clusterer.localise(points), clusterer.localise(points[order])
    assert torch.equal(found.forged[order], of_permuted.forged)
    torch.testing.assert_close(found.score[order], of_permuted.score)
    assert found.num_clusters == of_permuted.num_clusters == 3


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(min_cluster_size=1), 'got 1'),
        (dict(min_cluster_size=True), 'got True'),
        (dict(min_cluster_size=0.0), r'got 0\.0'),
        (dict(min_cluster_size=1.0), r'got 1\.0'),
        (dict(min_cluster_size=200.0), r'got 200\.0'),
        (dict(min_samples=0), 'min_samples must be None or an int of at least 1, got 0'),
        (dict(min_samples=2.5), r'got 2\.5'),
        (dict(cluster_selection_method='stem'), "got 'stem'"),
        (dict(cluster_selection_epsilon=-0.1), r'got -0\.1'),
        (dict(cluster_selection_epsilon=float('nan')), 'got nan'),
        (dict(noise='all'), "got 'all'"),
    ],
)
def test_an_option_out_of_range_is_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HDBSCANClusterer(**options)


def test_probabilities_are_the_packages(blobs: Callable[..., Tensor]) -> None:
    points = blobs([300, 80], spread=0.2)
    found = HDBSCANClusterer(20, 5, allow_single_cluster=False).localise(points)
    peer = hdbscan.HDBSCAN(min_cluster_size=20, min_samples=5).fit(points.double().numpy())
    assert found.probabilities.dtype == torch.float32
    np.testing.assert_allclose(found.probabilities.numpy(), peer.probabilities_, atol=1e-5)
    assert torch.equal(found.probabilities == 0, found.labels < 0)


def test_what_is_one_cluster_without_clustering_is_so_for_sure() -> None:
    found = HDBSCANClusterer().localise(torch.ones(30, 1))
    assert found.probabilities.tolist() == [1.0] * 30
