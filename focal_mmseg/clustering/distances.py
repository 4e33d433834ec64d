"""Distances between the points of one image: bounds on all by matrix product, exact values of the few that matter."""

from collections.abc import Iterator
from functools import cached_property

import torch
from torch import Tensor

# Values of one block of a matrix product: 512 rows of 65,536 points, 128 MiB in float32.
VALUES_PER_BLOCK = 1 << 25

# Columns that a processor multiplies at once, so that the tile stays in its cache; measured.
COLUMNS_PER_TILE = 2048

# Differences of coordinates held at once, 2 MiB: larger blocks are new pages from the system each time; measured.
DIFFERENCES_PER_BLOCK = 1 << 18

# An accelerator is busy with larger blocks only, by this factor for products and differences: 1 GiB each.
ACCELERATOR_VALUES = 1 << 3
ACCELERATOR_DIFFERENCES = 1 << 9


def _rows_at_once(values: int, on_accelerator: int, width: int, device: torch.device) -> int:
    return max(1, values * (1 if device.type == 'cpu' else on_accelerator) // width)


def exact_distances(points: Tensor, rows: Tensor, others: Tensor) -> Tensor:
    """Euclidean distances by coordinate differences, which lose nothing between near-equal points.

    Args:
        points (Tensor): float64 of shape (P, C).
        rows (Tensor): int64 of shape (B,).
        others (Tensor): int64 of shape (B, K).

    Returns:
        Tensor: float64 of shape (B, K), from each of ``rows`` to its ``others``.
    """
    width = others.shape[1] * points.shape[1]
    at_once = _rows_at_once(DIFFERENCES_PER_BLOCK, ACCELERATOR_DIFFERENCES, width, points.device)
    found = []
    for start, end in zip(rows.split(at_once), others.split(at_once), strict=True):
        starts = points.index_select(0, start)[:, None]
        ends = points.index_select(0, end.flatten()).view(*end.shape, -1)
        found.append(torch.cdist(starts, ends, compute_mode='donot_use_mm_for_euclid_dist').squeeze(1))
    return torch.cat(found)


class Screen:
    """Tells which few points can be nearest to a point, by matrix products of a chosen precision.

    The product of (x, -|x|^2/2, 1) with (y, 1, -|y|^2/2) is the nearness -|x - y|^2/2. It cancels between near-equal
    points, so it decides nothing by itself: it gives candidates, and a bound on all points that are none.

    Args:
        points (Tensor): float64 of shape (P, C).
        dtype (torch.dtype): Of the products.

    Attributes:
        margin (Tensor): float64 of shape (P,): a computed nearness of this point is at most so far from the true one.
            It is (C + 8) u (|x| + max |y|)^2/2 with the unit roundoff u and the points' mean as origin: the bound of
            a sum in any order (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1) with room for the
            rounding of the factors.
    """

    def __init__(self, points: Tensor, dtype: torch.dtype) -> None:
        self._points = points
        self._dtype = dtype
        self._mean = points.mean(0)
        self._norms = torch.linalg.vector_norm(points - self._mean, dim=1)
        unit = torch.finfo(dtype).eps / 2
        self.margin = (points.shape[1] + 8) * unit * (self._norms + self._norms.max()) ** 2 / 2
        self._rows = _rows_at_once(VALUES_PER_BLOCK, ACCELERATOR_VALUES, len(points), points.device)

    @cached_property
    def _factors(self) -> tuple[Tensor, Tensor, Tensor]:
        """The two factors (P, C + 2) and the memory for a block of the product; made when first needed."""
        centred, halves = self._points - self._mean, (self._norms**2 / 2)[:, None]
        left = torch.cat([centred, -halves, torch.ones_like(halves)], 1).to(self._dtype)
        right = torch.cat([centred, torch.ones_like(halves), -halves], 1).to(self._dtype)
        return left, right, left.new_empty(min(self._rows, len(left)), len(left))

    def blocks(self, rows: Tensor) -> Iterator[Tensor]:
        """Rows (B,) in parts that :meth:`nearness` takes; none if there are no rows."""
        return iter(rows.split(self._rows) if len(rows) else ())

    def nearness(self, rows: Tensor) -> Tensor:
        """The nearness of some points to all.

        Args:
            rows (Tensor): int64 of shape (B,), one of :meth:`blocks`.

        Returns:
            Tensor: Of shape (B, P); the next call writes over it.
        """
        left, right, memory = self._factors
        left, product = left.index_select(0, rows), memory[: len(rows)]
        tile = COLUMNS_PER_TILE if product.device.type == 'cpu' else len(right)
        for start in range(0, len(right), tile):
            torch.mm(left, right[start : start + tile].T, out=product[:, start : start + tile])
        return product

    def at_least(self, rows: Tensor, nearness: Tensor) -> Tensor:
        """How far points of a computed nearness, or of a smaller one, are at least.

        Args:
            rows (Tensor): int64 of shape (B,).
            nearness (Tensor): Of shape (B,); -inf gives infinity.

        Returns:
            Tensor: float64 of shape (B,).
        """
        return (-2 * (nearness.double() + self.margin[rows])).clamp(min=0).sqrt()

    def is_within_margin(self, rows: Tensor, nearness: Tensor, distances: Tensor) -> Tensor:
        """Whether computed nearnesses keep to the margin: a device may multiply in fewer bits than it was told.

        Args:
            rows (Tensor): int64 of shape (B,).
            nearness (Tensor): Of shape (B, K).
            distances (Tensor): float64 of shape (B, K), the exact ones.

        Returns:
            Tensor: bool scalar.
        """
        return ((nearness.double() + distances**2 / 2).abs() <= self.margin[rows, None]).all()
