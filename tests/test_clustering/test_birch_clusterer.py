from collections.abc import Callable

import pytest
import torch
from mmseg.registry import TASK_UTILS
from sklearn.cluster import Birch
from sklearn.metrics import adjusted_rand_score
from torch import Tensor

from focal_mmseg.clustering import BIRCHClusterer


@pytest.mark.parametrize('n_clusters', [1, 2, 3, 5])
@pytest.mark.parametrize(('threshold', 'branching_factor'), [(0.1, 50), (0.25, 50), (0.25, 3)])
def test_labels_equal_those_of_scikit_learn(
    blobs: Callable[..., Tensor], n_clusters: int, threshold: float, branching_factor: int
) -> None:
    points = blobs([60, 30, 20], spread=0.2)
    theirs = Birch(n_clusters=n_clusters, threshold=threshold, branching_factor=branching_factor)
    ours = BIRCHClusterer(n_clusters, threshold, branching_factor).fit_predict(points)
    assert ours.dtype == torch.int64
    assert adjusted_rand_score(theirs.fit_predict(points.double().numpy()), ours) == 1.0


def test_the_pass_in_chunks_is_one_pass(blobs: Callable[..., Tensor]) -> None:
    points = blobs([1500, 1000], spread=0.3)
    theirs = Birch(n_clusters=5, threshold=0.4).fit_predict(points.double().numpy())
    assert adjusted_rand_score(theirs, BIRCHClusterer(5, threshold=0.4).fit_predict(points)) == 1.0


def test_the_smaller_blob_is_forged(blobs: Callable[..., Tensor]) -> None:
    found = TASK_UTILS.build(dict(type='BIRCHClusterer')).localise(blobs([60, 30]))
    assert found.forged.tolist() == [False] * 60 + [True] * 30
    assert (found.num_clusters, found.noise_share) == (2, 0.0)


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
def test_fewer_distinct_points_than_clusters_are_a_cluster_each(distinct: int, clusters: int, threshold: float) -> None:
    found = BIRCHClusterer(3, threshold).localise(torch.eye(4)[:distinct].repeat_interleave(5, 0))
    assert found.num_clusters == clusters


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('threshold', [0.1, 1e-9])
@pytest.mark.parametrize('points', [1, 531])
def test_equal_points_are_pristine(blobs: Callable[..., Tensor], points: int, threshold: float) -> None:
    # Of these, scikit-learn makes two clusters at the tiny threshold.
    equal = blobs([1], width=256, seed=14).repeat(points, 1)
    found = BIRCHClusterer(threshold=threshold).localise(equal)
    assert not found.forged.any() and found.num_clusters == 1


def test_points_closer_than_float32_squares_tell_apart_stay_two_clusters(blobs: Callable[..., Tensor]) -> None:
    one = blobs([1])
    points = torch.cat([one.repeat(60, 1), (one + 1e-4 * torch.eye(8)[1:2]).repeat(30, 1)])
    found = BIRCHClusterer(threshold=1e-6).localise(points)
    assert found.forged.tolist() == [False] * 60 + [True] * 30


def test_the_same_points_give_the_same_labels(blobs: Callable[..., Tensor]) -> None:
    points = blobs([100], spread=1.0)
    one, other = (BIRCHClusterer(5).fit_predict(points) for _ in range(2))
    assert torch.equal(one, other)


def test_a_transposed_map_gives_the_same_as_its_copy(blobs: Callable[..., Tensor]) -> None:
    points = blobs([60, 30]).T.contiguous().T
    assert not points.is_contiguous()
    assert torch.equal(BIRCHClusterer().fit_predict(points), BIRCHClusterer().fit_predict(points.contiguous()))


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(n_clusters=0), 'n_clusters must be at least 1, got 0'),
        (dict(threshold=0.0), 'threshold must be above 0, got 0.0'),
        (dict(threshold=float('nan')), 'threshold must be above 0, got nan'),
        (dict(branching_factor=1), 'branching_factor must be at least 2, got 1'),
        (dict(n_clusters=3, max_subclusters=2), 'at least n_clusters, got 2 for 3 clusters'),
    ],
)
def test_an_option_out_of_range_is_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BIRCHClusterer(**options)
