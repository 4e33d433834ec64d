import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given
from scipy.spatial.distance import cdist
from torch import Tensor

from focal_mmseg.clustering import distances
from focal_mmseg.clustering.distances import DistanceBounds, exact_distances

PRECISIONS = pytest.mark.parametrize('precision', [torch.float32, torch.float64], ids=str)


def points_of(count: int, width: int, spread: float = 1.0, offset: float = 0.0, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return offset + spread * torch.randn(count, width, generator=generator, dtype=torch.float64)


def nearness_of(bounds: DistanceBounds, count: int) -> Tensor:
    """All rows, block by block."""
    return torch.cat([bounds.nearness(rows).clone() for rows in bounds.blocks(torch.arange(count))])


@pytest.mark.parametrize('differences', [None, 100, 1])
def test_exact_distances_are_those_of_scipy(monkeypatch: pytest.MonkeyPatch, differences: int | None) -> None:
    if differences is not None:
        monkeypatch.setattr(distances, 'DIFFERENCES_PER_BLOCK', differences)
    points = points_of(30, 5)
    rows, others = torch.tensor([3, 3, 29]), torch.tensor([[0, 3, 7, 1], [29, 28, 27, 26], [3, 3, 3, 29]])
    wanted = np.take_along_axis(cdist(points.numpy(), points.numpy())[rows], others.numpy(), axis=1)
    np.testing.assert_allclose(exact_distances(points, rows, others), wanted, rtol=1e-14)


def test_exact_distances_between_near_equal_points_keep_their_digits() -> None:
    points = torch.ones(2, 256, dtype=torch.float64)
    points[1, 17] += 2.0**-40
    found = exact_distances(points, torch.tensor([0]), torch.tensor([[1, 0]]))
    assert found.tolist() == [[2.0**-40, 0.0]]


@PRECISIONS
@given(
    count=st.integers(1, 40),
    width=st.integers(1, 300),
    spread=st.sampled_from([0.0, 1e-9, 1e-4, 1.0, 1e3]),
    offset=st.sampled_from([0.0, 1.0, -1e3]),
    seed=st.integers(0, 99),
)
def test_nearness_keeps_to_its_margin_and_its_bound(
    precision: torch.dtype, count: int, width: int, spread: float, offset: float, seed: int
) -> None:
    points = points_of(count, width, spread, offset, seed)
    bounds, rows = DistanceBounds(points, precision), torch.arange(count)
    nearness, true = nearness_of(bounds, count), torch.from_numpy(cdist(points.numpy(), points.numpy()))
    assert nearness.dtype == precision
    # The points themselves are rounded when their mean is taken off.
    rounding = 1e-14 * (abs(offset) + spread)
    assert ((nearness.double() + true**2 / 2).abs() <= bounds.margin[:, None] + rounding * (true + rounding)).all()
    for column in range(count):
        assert (bounds.lower_bound(rows, nearness[:, column]) <= true[:, column] + rounding).all()


@PRECISIONS
def test_the_nearest_points_have_the_largest_nearness(precision: torch.dtype) -> None:
    points = points_of(60, 4)
    found = nearness_of(DistanceBounds(points, precision), 60).argsort(dim=1, descending=True)
    np.testing.assert_array_equal(found, np.argsort(cdist(points.numpy(), points.numpy()), axis=1))


def test_points_without_nearness_are_infinitely_far() -> None:
    bounds = DistanceBounds(points_of(3, 4), torch.float32)
    assert bounds.lower_bound(torch.tensor([1]), torch.tensor([float('-inf')])).tolist() == [float('inf')]


@pytest.mark.parametrize('tile', [1, 7, 50, 64])
def test_tiles_and_blocks_make_one_product(monkeypatch: pytest.MonkeyPatch, tile: int) -> None:
    points = points_of(50, 16)
    whole = nearness_of(DistanceBounds(points, torch.float64), 50)
    monkeypatch.setattr(distances, 'COLUMNS_PER_TILE', tile)
    monkeypatch.setattr(distances, 'VALUES_PER_BLOCK', 170)
    bounds = DistanceBounds(points, torch.float64)
    blocks = list(bounds.blocks(torch.arange(50)))
    assert [len(block) for block in blocks] == [3] * 16 + [2]
    torch.testing.assert_close(nearness_of(bounds, 50), whole, rtol=1e-12, atol=1e-12)


def test_a_block_holds_no_more_values_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distances, 'VALUES_PER_BLOCK', 1000)
    bounds = DistanceBounds(points_of(100, 3), torch.float32)
    assert max(bounds.nearness(rows).numel() for rows in bounds.blocks(torch.arange(100))) == 1000


def test_no_rows_are_no_blocks() -> None:
    assert not list(DistanceBounds(points_of(3, 4), torch.float32).blocks(torch.arange(0)))


def test_a_product_of_fewer_bits_is_not_within_the_margin() -> None:
    points, rows = points_of(40, 64), torch.arange(40)
    bounds = DistanceBounds(points, torch.float32)
    true = torch.from_numpy(cdist(points.numpy(), points.numpy()))
    nearness = nearness_of(bounds, 40)
    assert bounds.is_within_margin(rows, nearness, true)
    assert not bounds.is_within_margin(rows, nearness.bfloat16(), true)
