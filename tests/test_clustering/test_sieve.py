import itertools
from collections.abc import Callable, Iterator

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given
from scipy.spatial.distance import cdist
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.clustering import sieve
from focal_mmseg.clustering.distances import DistanceBounds
from focal_mmseg.clustering.sieve import Sieve, principal_axes, projections, spatial_order
from focal_mmseg.clustering.spanning_tree import ReachabilityTree, mutual_reachability_tree


def random_points(count: int, width: int, rank: int | None = None, seed: int = 0) -> Tensor:
    """Unit vectors without structure; with a rank all but a thousandth of them lies in so many dimensions."""
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(count, width, generator=generator, dtype=torch.float64)
    if rank is not None:
        axes = torch.randn(rank, width, generator=generator, dtype=torch.float64)
        points = torch.randn(count, rank, generator=generator, dtype=torch.float64) @ axes + 1e-3 * points
    return F.normalize(points, dim=1)


def distances_of(points: Tensor) -> Tensor:
    return torch.from_numpy(cdist(points.numpy(), points.numpy()))


@st.composite
def clouds(draw: st.DrawFn) -> Tensor:
    """Points (P, C): random or on a grid, with duplicates and ties, flat, far from the origin, large and small."""
    count, width = draw(st.integers(2, 40)), draw(st.integers(2, 40))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 99)))
    if draw(st.booleans()):
        points = torch.randn(count, width, generator=generator, dtype=torch.float64)
    else:
        points = torch.randint(-1, 2, (count, width), generator=generator).double()
    points[:, draw(st.integers(1, width)) :] *= draw(st.sampled_from([0.0, 1e-4, 1.0]))
    points = points[torch.randint(0, count, (count,), generator=generator)] if draw(st.booleans()) else points
    return draw(st.sampled_from([0.0, 1.0, -100.0])) + draw(st.sampled_from([1e-6, 1.0, 1e3])) * points


@given(clouds())
def test_the_axes_are_orthogonal(points: Tensor) -> None:
    axes = principal_axes(points)
    torch.testing.assert_close(axes.T @ axes, torch.eye(len(axes), dtype=torch.float64), rtol=0, atol=1e-12)


def test_the_first_axes_have_the_largest_variance() -> None:
    points = random_points(200, 6) * torch.tensor([1, 9, 3, 7, 0.5, 5])
    variances = (points @ principal_axes(points)).var(0)
    assert (variances.diff() <= 1e-12).all()


@given(clouds(), st.data())
def test_distances_of_projections_are_lower_bounds(points: Tensor, data: st.DataObject) -> None:
    width = data.draw(st.integers(1, points.shape[1] - 1))
    (low,) = projections(points, principal_axes(points), [width])
    assert low.shape == (len(points), width + 1)
    true, scale = distances_of(points), (points - points.mean(0)).norm(dim=1).max()
    rounding = 1e-13 * (scale + points.abs().max())
    assert (distances_of(low) <= true + rounding).all()
    # The margin of float32 has room for what float64 rounds.
    margin = DistanceBounds(low, torch.float32).margin
    assert (rounding * (true + rounding) <= margin[:, None] / 4 + 1e-300).all() or scale < 1e-4


def test_points_in_few_dimensions_keep_their_distances() -> None:
    points = random_points(80, 30, rank=3)
    (low,) = projections(points, principal_axes(points), [3])
    torch.testing.assert_close(distances_of(low), distances_of(points), rtol=0, atol=0.01)


def test_projections_do_not_depend_on_how_many_rows_are_rotated_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    points = random_points(50, 8)
    axes = principal_axes(points)
    whole = projections(points, axes, [2, 5])
    monkeypatch.setattr(sieve, 'ROTATED_ROWS', 7)
    for part, wanted in zip(projections(points, axes, [2, 5]), whole, strict=True):
        torch.testing.assert_close(part, wanted)


@given(clouds(), st.data())
def test_no_point_within_its_radius_is_left_out(points: Tensor, data: st.DataObject) -> None:
    count = len(points)
    rows = torch.tensor(data.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=5)))
    columns = data.draw(st.none() | st.lists(st.integers(0, count - 1), max_size=20).map(torch.tensor))
    columns = None if columns is None else columns.long()
    true = distances_of(points)[rows]
    # A radius that is a distance, where the points at its very end may be in or out; or none.
    radii = true[torch.arange(len(rows)), data.draw(st.integers(0, count - 1))].clone()
    radii[0] = data.draw(st.sampled_from([radii[0].item(), float('inf'), 0.0]))
    low = projections(points, principal_axes(points), [1])[0]
    for bounds in (DistanceBounds(low, torch.float32), DistanceBounds(points, torch.float32)):
        found = bounds.can_be_within(rows, radii, columns)
        asked = true if columns is None else true[:, columns]
        rounding = 1e-13 * points.abs().max()
        assert found[(asked < radii[:, None] - rounding).any(0)].all()


def test_points_beyond_the_radius_are_left_out() -> None:
    points = torch.arange(100).double()[:, None] * torch.eye(1, 8)
    found = DistanceBounds(points, torch.float32).can_be_within(
        torch.tensor([50, 52]), torch.tensor([2.5, 1.5]).double()
    )
    assert found.nonzero().flatten().tolist() == [48, 49, 50, 51, 52, 53]


def test_the_order_is_a_permutation_that_brings_near_points_together(sieve_always: None) -> None:
    points = random_points(700, 12, rank=2)
    order = spatial_order(points)
    assert order.sort().values.tolist() == list(range(700))

    def spread(rows: Tensor) -> Tensor:
        return torch.stack([part.var(0).sum() for part in rows.split(7)]).mean()

    assert spread(points[order]) < spread(points) / 10


@pytest.mark.parametrize('count', [2, 100, sieve.FEWEST_POINTS - 1])
def test_few_points_stay_in_their_order_and_have_no_sieve(count: int) -> None:
    points = random_points(count, 8, rank=2)
    assert spatial_order(points).tolist() == list(range(count))
    assert not Sieve(points, DistanceBounds(points, torch.float32), 1, 2)


def trees(points: Tensor, min_samples: int) -> Iterator[np.ndarray]:
    """The tree by full products and through a sieve that is as it is in use, but for few points."""
    yield mutual_reachability_tree(points, min_samples)
    with pytest.MonkeyPatch.context() as patch:
        use_for_few_points(patch)
        yield mutual_reachability_tree(points, min_samples)


def use_for_few_points(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sieve, 'FEWEST_POINTS', 500)
    patch.setattr(sieve, 'ROWS_PER_BLOCK', 16)
    patch.setattr(sieve, 'FIRST_COLUMNS', 96)


@pytest.mark.parametrize('kind', ['random', 'low rank', 'blobs', 'tight blobs', 'duplicated', 'ties', 'all equal'])
@pytest.mark.parametrize('count', [512, 601])
def test_the_tree_is_that_of_full_products(blobs: Callable[..., Tensor], kind: str, count: int) -> None:
    points = {
        'random': lambda: random_points(count, 64),
        'low rank': lambda: random_points(count, 64, rank=3),
        'blobs': lambda: blobs([count - 200, 150, 50], width=64),
        'tight blobs': lambda: blobs([count - 200, 150, 50], width=64, spread=1e-6),
        'duplicated': lambda: random_points(60, 64, rank=3).repeat(11, 1)[:count],
        'ties': lambda: (
            torch.tensor(list(itertools.product(range(9), repeat=3))).double()[:count] @ torch.eye(3, 64).double()
        ),
        'all equal': lambda: torch.ones(count, 64, dtype=torch.float64),
    }[kind]().double()
    plain, sieved = trees(points, 5)
    np.testing.assert_allclose(sieved[:, 2], plain[:, 2], rtol=1e-12, atol=0)
    ends = sieved[:, :2].astype(int)
    core = np.sort(cdist(points, points), axis=1)[:, 5]
    reach = np.maximum(np.linalg.norm(points[ends[:, 0]] - points[ends[:, 1]], axis=1), core[ends].max(1))
    np.testing.assert_allclose(sieved[:, 2], reach, rtol=1e-9, atol=1e-9)


def multiplied(patch: pytest.MonkeyPatch, points: Tensor) -> tuple[ReachabilityTree, int]:
    """The tree's search, and the multiplications of all its products."""
    total, nearness, within = 0, DistanceBounds.nearness, DistanceBounds.can_be_within

    def count(self: DistanceBounds, rows: Tensor, columns: Tensor | None) -> None:
        nonlocal total
        total += self.width * len(rows) * (len(self.margin) if columns is None else len(columns))

    def of_nearness(self: DistanceBounds, rows: Tensor, columns: Tensor | None = None) -> Tensor:
        count(self, rows, columns)
        return nearness(self, rows, columns)

    def of_within(self: DistanceBounds, rows: Tensor, radii: Tensor, columns: Tensor | None = None) -> Tensor:
        count(self, rows, columns)
        return within(self, rows, radii, columns)

    patch.setattr(DistanceBounds, 'nearness', of_nearness)
    patch.setattr(DistanceBounds, 'can_be_within', of_within)
    tree = ReachabilityTree(points[spatial_order(points)], 5)
    tree.build()
    return tree, total


def test_points_in_few_dimensions_are_multiplied_less(monkeypatch: pytest.MonkeyPatch) -> None:
    points = random_points(2000, 64, rank=3)
    plain = multiplied(monkeypatch, points)[1]
    use_for_few_points(monkeypatch)
    tree, total = multiplied(monkeypatch, points)
    assert tree.sieve
    assert total < 0.5 * plain


def test_points_without_structure_have_no_sieve_and_cost_little_more(monkeypatch: pytest.MonkeyPatch) -> None:
    points = random_points(4000, 64)
    plain = multiplied(monkeypatch, points)[1]
    use_for_few_points(monkeypatch)
    tree, total = multiplied(monkeypatch, points)
    assert not tree.sieve
    assert total < 1.1 * plain


def test_a_processor_that_multiplies_in_fewer_bits_has_no_sieve(monkeypatch: pytest.MonkeyPatch) -> None:
    points = random_points(600, 64, rank=3)
    use_for_few_points(monkeypatch)
    points = points[spatial_order(points)]
    bounds = DistanceBounds(points, torch.float32)
    assert Sieve(points, bounds, 5, 38)
    nearness = DistanceBounds.nearness
    monkeypatch.setattr(DistanceBounds, 'nearness', lambda *of: nearness(*of).bfloat16().float())
    assert not Sieve(points, bounds, 5, 38)


def test_more_neighbours_than_first_columns_have_no_sieve(sieve_always: None) -> None:
    points = random_points(200, 16, rank=2)
    bounds = DistanceBounds(points, torch.float32)
    assert Sieve(points, bounds, 30, 63)
    assert not Sieve(points, bounds, 40, 73)
