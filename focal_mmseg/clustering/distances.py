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

# Columns on which the precision of a product is looked at.
COLUMNS_LOOKED_AT = 32

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


class DistanceBounds:
    """Tells which few points can be nearest to a point, by matrix products of a chosen precision.

    The product of (x, -|x|^2/2, 1) with (y, 1, -|y|^2/2) is the nearness -|x - y|^2/2. It cancels between near-equal
    points, so it decides nothing by itself: it gives candidates, and a bound on all points that are none.

    Args:
        points (Tensor): float64 of shape (P, C).
        dtype (torch.dtype): Of the products.

    Attributes:
        width (int): Columns of the product, C + 2.
        rows (int): Most rows of a block.
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
        self._farthest = self._norms + self._norms.max()
        self.width = points.shape[1] + 2
        self.margin = (self.width + 6) * unit * self._farthest**2 / 2
        self.rows = _rows_at_once(VALUES_PER_BLOCK, ACCELERATOR_VALUES, len(points), points.device)
        self._tile = COLUMNS_PER_TILE if points.device.type == 'cpu' else len(points)

    @cached_property
    def _factors(self) -> tuple[Tensor, Tensor]:
        """The factor (P, C + 2) of the columns and the memory for a block of the product; made when first needed."""
        # In the products' precision at once: float64 copies would be the most memory that is ever held.
        centred, halves = (self._points - self._mean).to(self._dtype), (self._norms**2 / 2)[:, None].to(self._dtype)
        ones = torch.ones_like(halves)
        right = torch.cat([centred, ones, -halves], 1)
        return right, right.new_empty(min(self.rows, len(right)) * len(right))

    def _left(self, rows: Tensor) -> Tensor:
        """The factor (B, C + 2) of some rows. It differs from that of the columns in the last two alone."""
        left = self._factors[0].index_select(0, rows)
        left[:, -2] = left[:, -1]
        left[:, -1] = 1
        return left

    def blocks(self, rows: Tensor) -> Iterator[Tensor]:
        """Rows (B,) in parts that :meth:`nearness` takes; none if there are no rows."""
        return iter(rows.split(self.rows) if len(rows) else ())

    def nearness(self, rows: Tensor, columns: Tensor | None = None) -> Tensor:
        """The nearness of some points to others.

        Args:
            rows (Tensor): int64 of shape (B,), one of :meth:`blocks` or a part of one.
            columns (Tensor, optional): int64 of shape (K,), the others. Defaults to all points.

        Returns:
            Tensor: Of shape (B, K); the next call writes over it.
        """
        right, memory = self._factors
        left, count = self._left(rows), len(right) if columns is None else len(columns)
        product = memory[: len(rows) * count].view(len(rows), count)
        for start in range(0, count, self._tile):
            part = self._columns(right, columns, start)
            torch.mm(left, part.T, out=product[:, start : start + self._tile])
        return product

    def can_be_within(self, rows: Tensor, radii: Tensor, columns: Tensor | None = None) -> Tensor:
        """Which points can be nearer to any of some points than that point's radius.

        The product holds the radius r too, with r^2/2 - |x|^2/2 in the place of -|x|^2/2, and is negative only beyond
        it. As r counts for no more than |x| + max |y|, that at most doubles the sum of magnitudes behind ``margin``:
        twice the margin covers the rounding.

        Args:
            rows (Tensor): int64 of shape (B,), one of :meth:`blocks` or a part of one.
            radii (Tensor): float64 of shape (B,); infinity keeps every point.
            columns (Tensor, optional): int64 of shape (K,), the points asked about. Defaults to all.

        Returns:
            Tensor: bool of shape (K,), False only where the point is at least its radius away from each of ``rows``.
        """
        right, memory = self._factors
        left, count = self._left(rows), len(right) if columns is None else len(columns)
        reach = torch.minimum(radii, self._farthest[rows]) ** 2 / 2 + 2 * self.margin[rows]
        left[:, -2] = (reach - self._norms[rows] ** 2 / 2).to(self._dtype)
        within = torch.empty(count, dtype=torch.bool, device=rows.device)
        for start in range(0, count, self._tile):
            part = self._columns(right, columns, start)
            product = memory[: len(rows) * len(part)].view(len(rows), len(part))
            torch.ge(torch.mm(left, part.T, out=product).amax(0), 0, out=within[start : start + self._tile])
        return within

    def _columns(self, right: Tensor, columns: Tensor | None, start: int) -> Tensor:
        """A tile of the right factor; chosen columns are gathered tile by tile, to stay in the cache."""
        if columns is None:
            return right[start : start + self._tile]
        return right.index_select(0, columns[start : start + self._tile])

    def lower_bound(self, rows: Tensor, nearness: Tensor) -> Tensor:
        """How far points of a computed nearness, or of a smaller one, are at least.

        Args:
            rows (Tensor): int64 of shape (B,).
            nearness (Tensor): Of shape (B,); -inf gives infinity.

        Returns:
            Tensor: float64 of shape (B,).
        """
        return (-2 * (nearness.double() + self.margin[rows])).clamp(min=0).sqrt()

    def upper_bound(self, rows: Tensor, nearness: Tensor) -> Tensor:
        """How far points of a computed nearness, or of a larger one, are at most; as :meth:`lower_bound`."""
        return (-2 * (nearness.double() - self.margin[rows])).clamp(min=0).sqrt()

    def is_precise(self, rows: Tensor, columns: Tensor) -> bool:
        """Whether the products of some points with others (K,) keep to the margin, looked at on a few of those."""
        some = columns[:COLUMNS_LOOKED_AT].expand(len(rows), -1)
        nearness = self.nearness(rows, columns)[:, : some.shape[1]]
        return bool(self.is_within_margin(rows, nearness, exact_distances(self._points, rows, some)))

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
