from collections.abc import Callable

import hdbscan
import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree
from scipy.spatial.distance import cdist
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.clustering import spanning_tree
from focal_mmseg.clustering.spanning_tree import mutual_reachability_tree, nearest_neighbours

# Two equal unit vectors come out this far apart at most.
ROUNDING = 1e-7
BLOCKS = pytest.mark.parametrize('block', [None, 500, 1], ids=['whole', 'some rows', 'row by row'])
KINDS = ('random', 'blobs', 'duplicated', 'all equal', 'two points')


def make_points(kind: str, blobs: Callable[..., Tensor]) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return {
        'random': F.normalize(torch.randn(150, 5, generator=generator), dim=1),
        'blobs': blobs([60, 30, 25]),
        'duplicated': F.normalize(torch.randn(12, 32, generator=generator), dim=1).repeat(9, 1),
        'all equal': F.normalize(torch.randn(1, 32, generator=generator), dim=1).repeat(50, 1),
        'two points': torch.eye(2),
    }[kind]


def dense_reachability(points: Tensor, min_samples: int) -> np.ndarray:
    """The (P, P) mutual reachability distances."""
    distances = cdist(points.double().numpy(), points.double().numpy())
    core = np.sort(distances, axis=1)[:, min(min_samples, len(points) - 1)]
    return np.maximum(distances, np.maximum.outer(core, core))


def shortest_weights(reachability: np.ndarray) -> np.ndarray:
    """Of its minimum spanning tree; scipy takes a zero for no edge, so everything is moved by one."""
    return np.sort(minimum_spanning_tree(reachability + 1).data) - 1


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('min_samples', [1, 5, 400])
@pytest.mark.parametrize('spare', [32, 1, 0])
@BLOCKS
def test_weights_equal_those_of_the_dense_graph(
    monkeypatch: pytest.MonkeyPatch,
    blobs: Callable[..., Tensor],
    kind: str,
    min_samples: int,
    spare: int,
    block: int | None,
) -> None:
    monkeypatch.setattr(spanning_tree, 'SPARE_NEIGHBOURS', spare)
    if block is not None:
        monkeypatch.setattr(spanning_tree, 'DISTANCES_PER_BLOCK', block)
    points = make_points(kind, blobs)
    reachability = dense_reachability(points, min_samples)

    tree = mutual_reachability_tree(points, min_samples)

    np.testing.assert_allclose(tree[:, 2], shortest_weights(reachability), rtol=1e-6, atol=ROUNDING)
    ends = tree[:, :2].astype(int)
    np.testing.assert_allclose(tree[:, 2], reachability[ends[:, 0], ends[:, 1]], rtol=1e-6, atol=ROUNDING)


@pytest.mark.parametrize('kind', KINDS)
@BLOCKS
def test_it_is_a_tree_sorted_by_distance(
    monkeypatch: pytest.MonkeyPatch, blobs: Callable[..., Tensor], kind: str, block: int | None
) -> None:
    if block is not None:
        monkeypatch.setattr(spanning_tree, 'DISTANCES_PER_BLOCK', block)
    points = make_points(kind, blobs)
    tree = mutual_reachability_tree(points, 5)
    assert tree.dtype == np.float64 and tree.shape == (len(points) - 1, 3)
    assert (np.diff(tree[:, 2]) >= 0).all()
    start, end = tree[:, :2].astype(int).T
    links = coo_array((np.ones(len(tree)), (start, end)), shape=(len(points),) * 2)
    assert connected_components(links, directed=False, return_labels=False) == 1


@pytest.mark.parametrize('algorithm', ['generic', 'boruvka_kdtree'])
@pytest.mark.parametrize('kind', ['random', 'blobs', 'duplicated'])
@pytest.mark.parametrize('min_samples', [1, 5, 20])
def test_weights_equal_those_of_the_hdbscan_package(
    blobs: Callable[..., Tensor], algorithm: str, kind: str, min_samples: int
) -> None:
    points = make_points(kind, blobs)
    model = hdbscan.HDBSCAN(
        min_cluster_size=5,
        min_samples=min_samples,
        algorithm=algorithm,
        approx_min_span_tree=False,
        gen_min_span_tree=True,
        core_dist_n_jobs=1,
    ).fit(points.double().numpy())
    theirs = np.sort(model.minimum_spanning_tree_.to_numpy()[:, 2])
    np.testing.assert_allclose(mutual_reachability_tree(points, min_samples)[:, 2], theirs, rtol=1e-6, atol=ROUNDING)


@pytest.mark.parametrize('count', [1, 4, 30])
@BLOCKS
def test_nearest_neighbours_are_those_of_a_sort(
    monkeypatch: pytest.MonkeyPatch, blobs: Callable[..., Tensor], count: int, block: int | None
) -> None:
    if block is not None:
        monkeypatch.setattr(spanning_tree, 'DISTANCES_PER_BLOCK', block)
    points = blobs([20, 10]).double()
    distances = cdist(points.numpy(), points.numpy())
    found, neighbours = nearest_neighbours(points, count)
    np.testing.assert_array_equal(neighbours, np.argsort(distances, axis=1)[:, :count])
    np.testing.assert_allclose(found, np.sort(distances, axis=1)[:, :count], rtol=1e-6, atol=ROUNDING)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_weights_are_exact_with_many_equal_distances_and_few_remembered_neighbours(data: st.DataObject) -> None:
    place = st.tuples(*[st.integers(-4, 4)] * data.draw(st.integers(1, 3)))
    points = torch.tensor(data.draw(st.lists(place, min_size=2, max_size=60))).double()
    min_samples = data.draw(st.integers(1, 8))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spanning_tree, 'SPARE_NEIGHBOURS', data.draw(st.integers(0, 4)))
        patch.setattr(spanning_tree, 'DISTANCES_PER_BLOCK', data.draw(st.integers(1, 2000)))
        tree = mutual_reachability_tree(points, min_samples)
    wanted = shortest_weights(dense_reachability(points, min_samples))
    np.testing.assert_allclose(tree[:, 2], wanted, rtol=1e-9, atol=1e-12)


def test_blocks_hold_no_more_distances_than_allowed(
    monkeypatch: pytest.MonkeyPatch, blobs: Callable[..., Tensor]
) -> None:
    monkeypatch.setattr(spanning_tree, 'DISTANCES_PER_BLOCK', 1000)
    held = []
    original = spanning_tree._distances

    def spy(*args: Tensor) -> Tensor:
        distances = original(*args)
        held.append(distances.numel())
        return distances

    monkeypatch.setattr(spanning_tree, '_distances', spy)
    mutual_reachability_tree(blobs([60, 40]), 5)
    assert len(held) > 2 and max(held) <= 1000
