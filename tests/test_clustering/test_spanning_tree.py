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

from focal_mmseg.clustering import distances, spanning_tree
from focal_mmseg.clustering.distances import DistanceBounds
from focal_mmseg.clustering.spanning_tree import ReachabilityTree, find_roots, mutual_reachability_tree

# Points as near as this to each other may take each other's place in float64's products.
ROUNDING = 1e-9
BLOCKS = pytest.mark.parametrize('block', [None, 500, 1], ids=['whole', 'some rows', 'row by row'])
KINDS = ('random', 'blobs', 'low rank', 'tight blobs', 'duplicated', 'all equal', 'two points')


@pytest.fixture(autouse=True, params=[False, True], ids=['plain', 'sieved'])
def through_a_sieve(request: pytest.FixtureRequest) -> None:
    """Every test of this file runs with full products and with a sieve before them."""
    if request.param:
        request.getfixturevalue('sieve_always')


def make_points(kind: str, blobs: Callable[..., Tensor]) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return {
        'random': F.normalize(torch.randn(80, 5, generator=generator), dim=1),
        'blobs': blobs([40, 20, 15]),
        'low rank': F.normalize(torch.randn(80, 2, generator=generator) @ torch.eye(2, 64), dim=1),
        'tight blobs': blobs([40, 20, 15], spread=1e-6),
        'duplicated': F.normalize(torch.randn(12, 32, generator=generator), dim=1).repeat(7, 1),
        'all equal': F.normalize(torch.randn(1, 32, generator=generator), dim=1).repeat(50, 1),
        'two points': torch.eye(2),
    }[kind]


def set_block(patch: pytest.MonkeyPatch, values: int | None) -> None:
    """Products and differences in blocks of so many values, and tiles that do not divide the points."""
    if values is not None:
        patch.setattr(distances, 'VALUES_PER_BLOCK', values)
        patch.setattr(distances, 'DIFFERENCES_PER_BLOCK', values)
        patch.setattr(distances, 'COLUMNS_PER_TILE', 7 if values > 1 else 40)


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
    set_block(monkeypatch, block)
    points = make_points(kind, blobs)
    reachability = dense_reachability(points, min_samples)

    tree = mutual_reachability_tree(points, min_samples)

    np.testing.assert_allclose(tree[:, 2], shortest_weights(reachability), rtol=1e-9, atol=ROUNDING)
    ends = tree[:, :2].astype(int)
    np.testing.assert_allclose(tree[:, 2], reachability[ends[:, 0], ends[:, 1]], rtol=1e-9, atol=ROUNDING)


@pytest.mark.parametrize('kind', KINDS)
@BLOCKS
def test_it_is_a_tree_sorted_by_distance(
    monkeypatch: pytest.MonkeyPatch, blobs: Callable[..., Tensor], kind: str, block: int | None
) -> None:
    set_block(monkeypatch, block)
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
    # The package's own products put equal points up to 2e-8 apart.
    np.testing.assert_allclose(mutual_reachability_tree(points, min_samples)[:, 2], theirs, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('min_samples', [1, 4, 30])
@BLOCKS
def test_core_distances_are_those_of_a_sort(
    monkeypatch: pytest.MonkeyPatch, blobs: Callable[..., Tensor], kind: str, min_samples: int, block: int | None
) -> None:
    set_block(monkeypatch, block)
    points = make_points(kind, blobs).double()
    dense = np.sort(cdist(points.numpy(), points.numpy()), axis=1)[:, min(min_samples, len(points) - 1)]
    tree = ReachabilityTree(points, min_samples)
    np.testing.assert_allclose(tree.core, dense, rtol=1e-9, atol=ROUNDING)


@pytest.mark.parametrize('kind', KINDS)
def test_no_distance_undercuts_the_bound_on_what_is_not_remembered(
    monkeypatch: pytest.MonkeyPatch, blobs: Callable[..., Tensor], kind: str
) -> None:
    monkeypatch.setattr(spanning_tree, 'SPARE_NEIGHBOURS', 3)
    points = make_points(kind, blobs).double()
    tree = ReachabilityTree(points, 5)
    dense = torch.from_numpy(cdist(points.numpy(), points.numpy()))
    dense.scatter_(1, tree.neighbours, float('inf'))
    assert (tree.lower_bound <= dense.min(1).values).all()


@given(st.data())
@settings(max_examples=80)
def test_weights_are_exact_with_many_equal_distances_and_few_remembered_neighbours(data: st.DataObject) -> None:
    place = st.tuples(*[st.integers(-4, 4)] * data.draw(st.integers(1, 3)))
    points = torch.tensor(data.draw(st.lists(place, min_size=2, max_size=60))).double()
    min_samples = data.draw(st.integers(1, 8))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spanning_tree, 'SPARE_NEIGHBOURS', data.draw(st.integers(0, 4)))
        patch.setattr(spanning_tree, 'CANDIDATES', data.draw(st.integers(1, 4)))
        set_block(patch, data.draw(st.integers(1, 2000)))
        tree = mutual_reachability_tree(points, min_samples)
    wanted = shortest_weights(dense_reachability(points, min_samples))
    np.testing.assert_allclose(tree[:, 2], wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize('spread', [1e-2, 1e-4, 1e-6])
def test_near_equal_points_keep_their_digits(blobs: Callable[..., Tensor], spread: float) -> None:
    # Here float32 products are all rounding, and those of float64 have half their digits left.
    points = blobs([80, 40], spread=spread)
    wanted = shortest_weights(dense_reachability(points, 5) / spread) * spread
    np.testing.assert_allclose(mutual_reachability_tree(points, 5)[:, 2], wanted, rtol=1e-5)


def test_a_device_that_multiplies_in_fewer_bits_is_found_out(
    monkeypatch: pytest.MonkeyPatch, blobs: Callable[..., Tensor]
) -> None:
    monkeypatch.setattr(spanning_tree, 'SPARE_NEIGHBOURS', 2)
    points = blobs([60, 30, 25])
    exact, nearness = mutual_reachability_tree(points, 5), DistanceBounds.nearness
    products = []

    def coarse(self: DistanceBounds, rows: Tensor, columns: Tensor | None = None) -> Tensor:
        product = nearness(self, rows, columns)
        products.append(product.dtype)
        return product if product.dtype == torch.float64 else product.bfloat16().float()

    monkeypatch.setattr(DistanceBounds, 'nearness', coarse)
    np.testing.assert_array_equal(mutual_reachability_tree(points, 5), exact)
    first = products.index(torch.float64)
    assert set(products[:first]) == {torch.float32} and set(products[first:]) == {torch.float64}


def test_float64_is_used_only_where_float32_leaves_a_doubt(
    monkeypatch: pytest.MonkeyPatch, blobs: Callable[..., Tensor]
) -> None:
    nearness, products = DistanceBounds.nearness, []
    monkeypatch.setattr(
        DistanceBounds, 'nearness', lambda self, *to: products.append(self._dtype) or nearness(self, *to)
    )
    mutual_reachability_tree(blobs([200, 100], width=64), 5)
    assert set(products) == {torch.float32}
    mutual_reachability_tree(blobs([200, 100], width=64, spread=1e-6), 5)
    assert torch.float64 in products


@given(st.integers(1, 40).flatmap(lambda count: st.lists(st.integers(0, count - 1), min_size=count, max_size=count)))
def test_every_node_follows_its_parents_to_one_node_of_the_cycle(parents: list[int]) -> None:
    def of(node: int) -> int:
        for _ in parents:
            node = parents[node]
        cycle = {node}
        while parents[node] not in cycle:
            node = parents[node]
            cycle.add(node)
        return min(cycle)

    assert find_roots(torch.tensor(parents)).tolist() == [of(node) for node in range(len(parents))]
