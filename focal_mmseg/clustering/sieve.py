"""Leaves most pairs of points out of the full product, by lower bounds on their distances in a few dimensions.

A rotation keeps distances. So the first d coordinates on the principal axes and the length of all others together are a
point in d + 1 dimensions whose distances to others are at most the true ones. Embeddings of a trained network differ
along few axes, and a product of d + 3 columns tells for most points that they are too far away to matter.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import cast

import torch
from torch import Tensor

from .distances import DistanceBounds

# Of fewer points the small blocks of rows, sorted and tried, cost more than the sieve leaves out: of embeddings of a
# trained network, 256 wide, 4,096 took a sixth longer with it, 8,464 an eighth. docs/notes/clustering.md has the
# measurements.
FEWEST_POINTS = 16384

# Rows that share their columns: points near to each other, as `spatial_order` puts them.
ROWS_PER_BLOCK = 128

# Columns among which a point's first neighbours are looked for; topk is fast from 64 times its rank on.
FIRST_COLUMNS = 2048

# Numbers of axes that are tried, each only where its product has at most half the columns of the full one.
AXES = (8, 16, 32, 64, 128)

# Leading axes along which the points are sorted.
AXES_OF_ORDER = 8

# Blocks on which the numbers of axes are tried.
TRIALS = 8

# What a value of a product costs beside its columns, in columns: for the largest value of a tile, for the topk of rows.
# Measured.
COLUMNS_OF_MAXIMUM = 10
COLUMNS_OF_TOPK = 60

# A sieve that promises less than this is not worth its trial.
WORTHWHILE = 0.8

# Of so many points the axes are found: any orthogonal axes keep the bounds, the principal ones make them tight.
POINTS_OF_AXES = 4096

# Rows that are rotated at once.
ROTATED_ROWS = 4096


def principal_axes(points: Tensor) -> Tensor:
    """Orthogonal axes, those of the largest variance first.

    Args:
        points (Tensor): float64 of shape (P, C).

    Returns:
        Tensor: float64 of shape (C, C), an axis a column; orthogonal up to a small multiple of C 2^-53, as LAPACK's
        solvers of the symmetric eigenproblem are (LAPACK Users' Guide, section 4.7).
    """
    sample = points[:: max(1, len(points) // POINTS_OF_AXES)]
    sample = sample - sample.mean(0)
    return torch.linalg.eigh(sample.T @ sample)[1].flip(1)


def spatial_order(points: Tensor) -> Tensor:
    """An order in which points near to each other mostly follow each other: the leaves of a k-d tree.

    Every group is halved at the median along that one of the leading axes on which it is the widest.

    Args:
        points (Tensor): float64 of shape (P, C).

    Returns:
        Tensor: int64 of shape (P,), a permutation; too few points for a :class:`Sieve` stay as they are.
    """
    order = torch.arange(len(points), device=points.device)
    if not _is_of_use(points):
        return order
    leading = points @ principal_axes(points)[:, :AXES_OF_ORDER]
    place, groups = order.clone(), 1
    while len(points) > groups * ROWS_PER_BLOCK:
        ends = torch.arange(1, groups + 1, device=points.device) * len(points) // groups
        group = torch.bucketize(place, ends, right=True)
        here = leading[order]
        sizes = torch.bincount(group)[:, None]
        means = torch.zeros_like(here[:groups]).index_add_(0, group, here) / sizes
        spread = torch.zeros_like(means).index_add_(0, group, (here - means[group]) ** 2) / sizes
        along = here.gather(1, spread.argmax(1)[group, None]).squeeze(1)
        low, high = along.aminmax()
        order = order[(group + (along - low) / (2 * (high - low)).clamp(min=1e-300)).argsort(stable=True)]
        groups *= 2
    return order


def _is_of_use(points: Tensor) -> bool:
    """Whether a sieve is tried at all: on an accelerator its small blocks would cost more than they save."""
    return len(points) >= FEWEST_POINTS and points.device.type == 'cpu'


def projections(points: Tensor, axes: Tensor, widths: list[int]) -> list[Tensor]:
    """Points in fewer dimensions whose distances to each other are at most those of the points themselves.

    The coordinates on the first d axes are kept, and the length of the rest is one more coordinate: two rests are at
    least as far apart as their lengths differ. In float64 this holds up to a few C 2^-53 |x|, a small part of the room
    that the margin of float32 bounds leaves for the rounding of factors.

    Args:
        points (Tensor): float64 of shape (P, C).
        axes (Tensor): float64 of shape (C, C), orthogonal, see :func:`principal_axes`.
        widths (list[int]): Of each result, d.

    Returns:
        list[Tensor]: float64 of shape (P, d + 1), one a width.
    """
    found = [points.new_empty(len(points), width + 1) for width in widths]
    mean = points.mean(0)
    for start in range(0, len(points), ROTATED_ROWS):
        rotated = (points[start : start + ROTATED_ROWS] - mean) @ axes
        for width, projected in zip(widths, found, strict=True):
            rest = torch.linalg.vector_norm(rotated[:, width:], dim=1, keepdim=True)
            projected[start : start + ROTATED_ROWS] = torch.cat([rotated[:, :width], rest], 1)
    return found


class Sieve:
    """Chooses the columns of a product: the points that can be within a radius of any of its rows.

    It consists of bounds in few dimensions, the fewest first; each leaves the next fewer columns. Which ones is decided
    by a trial: on a few blocks of rows the share of columns that each number of axes leaves is measured, and of all
    chains the one of the least work is taken. Where none saves a fifth, as on random points, there is none, and
    everything goes through full products.

    Args:
        points (Tensor): float64 of shape (P, C), as :func:`spatial_order` sorts them.
        bounds (DistanceBounds): Of the full product.
        rank (int): Of the farthest neighbour that must be found, the point itself is the 0th.
        count (int): Least columns of :meth:`neighbours`, more than ``rank``.
    """

    def __init__(self, points: Tensor, bounds: DistanceBounds, rank: int, count: int) -> None:
        self._stages: list[DistanceBounds] = []
        self._rank = rank
        self._rows = min(ROWS_PER_BLOCK, bounds.rows, len(points))
        widths = [width for width in AXES if 2 * (width + 3) <= bounds.width]
        if not _is_of_use(points) or not widths:
            return
        self._near_blocks = self._nearest_blocks(points)
        if count > self._near_blocks.shape[1]:
            return
        projected = projections(points, principal_axes(points), widths)
        self._stages = self._cheapest([DistanceBounds(low, torch.float32) for low in projected], bounds, len(points))

    def __bool__(self) -> bool:
        return bool(self._stages)

    def blocks(self, rows: Tensor, bounds: DistanceBounds) -> Iterator[Tensor]:
        """Rows (B,) in parts, one product each; smaller ones where the rows of a part share their columns."""
        if not self:
            return bounds.blocks(rows)
        return iter(rows.split(self._rows) if len(rows) else ())

    def neighbours(self, rows: Tensor, bounds: DistanceBounds) -> tuple[Tensor | None, Tensor | None]:
        """The points among which the neighbours of some points are.

        Args:
            rows (Tensor): int64 of shape (B,), one of :meth:`blocks`.
            bounds (DistanceBounds): Of the full product.

        Returns:
            tuple[Tensor | None, Tensor | None]: int64 of shape (K,), K at least ``count``, and float64 of shape (B,):
            no other point is nearer to a row than this, and at least ``rank`` are within it. None and None stand for
            all points.
        """
        if not self:
            return None, None
        first, radii = self._first_radii(rows, bounds)
        is_near = torch.zeros(len(bounds.margin), dtype=torch.bool, device=rows.device)
        is_near[first] = True
        is_near[self.within(rows, radii, None)] = True
        return is_near.nonzero().flatten(), radii

    def within(self, rows: Tensor, radii: Tensor, columns: Tensor | None) -> Tensor:
        """Of some points those that can be nearer to any of the rows than its radius.

        Args:
            rows (Tensor): int64 of shape (B,), one of :meth:`blocks`.
            radii (Tensor): float64 of shape (B,).
            columns (Tensor | None): int64 of shape (K,), or None for all points.

        Returns:
            Tensor: int64, those of ``columns`` that are left, in their order.
        """
        for stage in self._stages:
            is_left = stage.can_be_within(rows, radii, columns)
            columns = is_left.nonzero().flatten() if columns is None else columns[is_left]
        return cast(Tensor, columns)

    def _first_radii(self, rows: Tensor, bounds: DistanceBounds) -> tuple[Tensor, Tensor]:
        """Near points (K,), and within which distance (B,) there are at least ``rank`` beside the point itself."""
        # The last points, fewer than a block, look where the last block does.
        first = self._near_blocks[(rows[0] // self._rows).clamp(max=len(self._near_blocks) - 1)]
        nearness = bounds.nearness(rows, first).topk(self._rank + 1).values[:, -1]
        return first, bounds.upper_bound(rows, nearness)

    def _nearest_blocks(self, points: Tensor) -> Tensor:
        """For each whole block of rows the points (L, K) of those whole blocks whose centres are nearest."""
        members = torch.arange(len(points) // self._rows * self._rows, device=points.device).view(-1, self._rows)
        centres = torch.stack([points[block].mean(0) for block in members])
        count = min(len(members), FIRST_COLUMNS // self._rows)
        return members[torch.cdist(centres, centres).topk(count, largest=False).indices].flatten(1)

    def _cheapest(self, stages: list[DistanceBounds], bounds: DistanceBounds, count: int) -> list[DistanceBounds]:
        """Those of the stages that make the least work, none where that is not much less than without.

        None either where a processor that was told to multiply in fewer bits does so.
        """
        shares = dict.fromkeys(stages, 0.0)
        for start in torch.linspace(0, count - self._rows, TRIALS).long().tolist():
            rows = torch.arange(start, start + self._rows)
            first, radii = self._first_radii(rows, bounds)
            for stage in stages:
                if not stage.is_precise(rows, first):
                    return []
                shares[stage] += stage.can_be_within(rows, radii).double().mean().item() / TRIALS

        def work(chain: tuple[DistanceBounds, ...]) -> float:
            left, columns = 1.0, 0.0
            for stage in chain:
                columns += left * (stage.width + COLUMNS_OF_MAXIMUM)
                left = shares[stage]
            return columns + left * (bounds.width + COLUMNS_OF_TOPK)

        chains = [chain for length in range(len(stages) + 1) for chain in combinations(stages, length)]
        best = min(chains, key=work)
        return list(best) if work(best) < WORTHWHILE * work(()) else []
