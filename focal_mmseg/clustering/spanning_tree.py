"""The minimum spanning tree of the mutual reachability distance: exact, in blocks, and without the full matrix."""

import numpy as np
import torch
from torch import Tensor

from .distances import DistanceBounds, exact_distances
from .sieve import Sieve, spatial_order

# Nearest neighbours that are remembered beyond those of the core distance, to find short edges without a scan.
SPARE_NEIGHBOURS = 32

# Ends that a scan of a point computes exactly; all others are bounded.
CANDIDATES = 8


class _ShortestEdges:
    """The shortest edge known so far out of each of K components.

    Attributes:
        weight (Tensor): float64 (K,), infinite where none is known.
        start (Tensor): int64 (K,), the edge's point inside the component.
        end (Tensor): int64 (K,), its point in another one.
    """

    def __init__(self, component: Tensor) -> None:
        self._component = component
        self.weight = torch.full_like(torch.bincount(component), float('inf'), dtype=torch.float64)
        self.start = torch.zeros_like(self.weight, dtype=torch.int64)
        self.end = torch.zeros_like(self.start)

    def component_weight(self, points: Tensor) -> Tensor:
        """The weight (B,) at the components of some points (B,)."""
        return self.weight[self._component[points]]

    def offer(self, start: Tensor, end: Tensor, weight: Tensor) -> None:
        """Take note of edges (E,) for the components at both their ends; those of infinite weight are none."""
        start, end, weight = torch.cat([start, end]), torch.cat([end, start]), weight.repeat(2)
        owner = self._component[start]
        shortest = torch.full_like(self.weight, float('inf')).scatter_reduce_(0, owner, weight, 'amin')
        wins = ((weight < self.weight[owner]) & (weight == shortest[owner])).nonzero().flatten()
        # One winner a component, the same on every run.
        winner = torch.full_like(self.start, -1).scatter_reduce_(0, owner[wins], wins, 'amax')
        improved = (winner >= 0).nonzero().flatten()
        winner = winner[improved]
        self.start[improved], self.end[improved] = start[winner], end[winner]
        self.weight[improved] = weight[winner]


class ReachabilityTree:
    """Boruvka's algorithm: in every round each component but the largest takes its shortest edge to another one.

    A round looks at remembered neighbours first. A point is scanned against all others only where it can have an edge
    shorter than the shortest known out of its component: its edges that are not known have length ``lower_bound``. That
    starts as the bound on all points that are not remembered, a scan raises it, and it stays true because components
    only grow. Which points a row is multiplied with, a :class:`Sieve` says: those that it leaves out are no nearer
    than a radius that is known before, the distance of near neighbours or the length of the shortest known edge.

    Args:
        points (Tensor): float64 of shape (P, C), P at least 2; in the order of :func:`spatial_order` it is faster.
        min_samples (int): See :func:`mutual_reachability_tree`.

    Attributes:
        neighbours (Tensor): int64 (P, K), the remembered neighbours of each point.
        reach (Tensor): float64 (P, K), the mutual reachability distance to them.
        core (Tensor): float64 (P,), core distances.
        component (Tensor): int64 (P,), the component of each point, 0, 1, ...
    """

    def __init__(self, points: Tensor, min_samples: int) -> None:
        self.points = points
        # A product in float32 is a few times faster; float64 settles what its bounds leave open.
        self.bounds = [DistanceBounds(points, torch.float32), DistanceBounds(points, torch.float64)]
        count = min(len(points), min_samples + 1 + SPARE_NEIGHBOURS)
        nearest = min(min_samples, count - 1)
        self.sieve = Sieve(points, self.bounds[0], nearest, count)
        distances, self.neighbours, self.lower_bound = self._nearest_neighbours(count, nearest)
        self.core = distances[:, nearest].contiguous()
        self.reach = torch.maximum(torch.maximum(distances, self.core[:, None]), self.core[self.neighbours])
        self.component = torch.arange(len(points), device=points.device)

    def build(self) -> Tensor:
        """The tree's edges, float64 (P - 1, 3): two points and the distance between them, unsorted."""
        edges = []
        while self.component.any():
            shortest, largest = self._shortest_edges()
            parent = self.component[shortest.end]
            parent[largest] = largest
            root = find_roots(parent)
            joins = root != torch.arange(len(root), device=root.device)
            edges.append(torch.stack([shortest.start, shortest.end, shortest.weight], dim=1)[joins])
            self.component = root.unique(return_inverse=True)[1][self.component]
        return torch.cat(edges)

    def _nearest_neighbours(self, count: int, certain: int) -> tuple[Tensor, Tensor, Tensor]:
        """Distances (P, count), rising, and indices of near points, and a bound (P,) on the distance of all others.

        Up to the rank ``certain`` they are the nearest ones beyond the doubt of the last bounds' margin.
        """
        distances = self.points.new_empty(len(self.points), count)
        indices = torch.empty_like(distances, dtype=torch.int64)
        beyond = self.points.new_full((len(self.points),), float('-inf'))
        is_open = torch.ones_like(beyond, dtype=torch.bool)
        for bounds in tuple(self.bounds):
            is_trusted = torch.ones_like(is_open[0])
            for rows in self.sieve.blocks(is_open.nonzero().flatten(), bounds):
                columns, radii = self.sieve.neighbours(rows, bounds)
                nearness, found = bounds.nearness(rows, columns).topk(count)
                found = found if columns is None else columns[found]
                exact = exact_distances(self.points, rows, found)
                is_trusted &= bounds.is_within_margin(rows, nearness, exact)
                distances[rows], order = exact.sort(dim=1)
                indices[rows] = found.gather(1, order)
                beyond[rows] = bounds.lower_bound(rows, nearness[:, -1])
                if radii is not None:
                    beyond[rows] = torch.minimum(beyond[rows], radii)
            if is_trusted or bounds is self.bounds[-1]:
                is_open = distances[:, certain] > beyond
            else:
                self.bounds.remove(bounds)
        if count == len(self.points):
            beyond = torch.full_like(beyond, float('inf'))
        return distances, indices, beyond

    def _shortest_edges(self) -> tuple[_ShortestEdges, Tensor]:
        """The shortest edges out of all components but the largest, and which that is."""
        largest = torch.bincount(self.component).argmax()
        shortest = _ShortestEdges(self.component)
        shortest.offer(*self._remembered_edges())
        for bounds in self.bounds:
            is_open = (self.lower_bound < shortest.weight[self.component]) & (self.component != largest)
            for rows in self.sieve.blocks(is_open.nonzero().flatten(), bounds):
                rows = rows[self.lower_bound[rows] < shortest.component_weight(rows)]
                if len(rows):
                    shortest.offer(rows, *self._scan(rows, shortest.component_weight(rows), bounds))
        return shortest, largest

    def _remembered_edges(self) -> tuple[Tensor, Tensor, Tensor]:
        """For each point its shortest edge (start, end, weight), among the remembered ones, out of its component."""
        outside = self.component[self.neighbours] != self.component[:, None]
        weight, column = torch.where(outside, self.reach, float('inf')).min(1)
        start = torch.arange(len(weight), device=weight.device)
        return start, self.neighbours.gather(1, column[:, None]).squeeze(1), weight

    def _scan(self, rows: Tensor, radii: Tensor, bounds: DistanceBounds) -> tuple[Tensor, Tensor]:
        """For some points the shortest edge (end, weight) out of their component, if it is shorter than the radius."""
        columns = self._columns_within(rows, radii) if self.sieve else None
        others, core = (self.component, self.core) if columns is None else (self.component[columns], self.core[columns])
        if not len(others):
            self.lower_bound[rows] = radii
            return rows, torch.full_like(radii, float('inf'))
        nearness = bounds.nearness(rows, columns)
        torch.minimum(nearness, -(core**2 / 2).to(nearness.dtype), out=nearness)
        nearness.masked_fill_(self.component[rows, None] == others, float('-inf'))
        nearness, ends = nearness.topk(min(CANDIDATES, len(others)))
        ends = ends if columns is None else columns[ends]
        core = torch.maximum(self.core[rows, None], self.core[ends])
        reach = torch.maximum(exact_distances(self.points, rows, ends), core)
        weight, column = reach.masked_fill_(nearness == float('-inf'), float('inf')).min(1)
        beyond = torch.maximum(bounds.lower_bound(rows, nearness[:, -1]), self.core[rows])
        if columns is not None:
            # With no more columns than candidates all of them are known.
            beyond = radii if len(columns) <= CANDIDATES else torch.minimum(beyond, radii)
        self.lower_bound[rows] = torch.minimum(weight, beyond)
        return ends.gather(1, column[:, None]).squeeze(1), weight

    def _columns_within(self, rows: Tensor, radii: Tensor) -> Tensor:
        """The points (K,) to which any of the rows can have an edge, out of its component, shorter than its radius."""
        component = self.component[rows]
        is_other = self.core < radii.max()
        if (component == component[0]).all():
            is_other &= self.component != component[0]
        return self.sieve.within(rows, radii, is_other.nonzero().flatten())


def find_roots(parent: Tensor) -> Tensor:
    """Where following the parents of each of K nodes ends: at the smallest node of the cycle, int64 (K,).

    Components that take each other's edges, or equal ones in a ring, make cycles; leaving out the edge of one node of
    each makes a tree of it, and as the edges of a cycle are equal, any one will do.
    """
    smallest = torch.arange(len(parent), device=parent.device)
    for _ in range(len(parent).bit_length()):
        smallest = torch.minimum(smallest, smallest[parent])
        parent = parent[parent]
    return smallest[parent]


def mutual_reachability_tree(points: Tensor, min_samples: int) -> np.ndarray:
    """The minimum spanning tree that HDBSCAN builds its hierarchy on, exactly, with memory O(P * (C + neighbours)).

    Args:
        points (Tensor): float of shape (P, C), P at least 2.
        min_samples (int): Neighbours that make up the core distance, at least 1; the point itself is not one of them,
            as in the hdbscan package. Beyond P - 1 the farthest point counts.

    Returns:
        np.ndarray: float64 of shape (P - 1, 3): two points and the mutual reachability distance between them,
        sorted by distance.
    """
    order = spatial_order(points.double())
    tree = ReachabilityTree(points[order].double(), min_samples).build()
    tree[:, :2] = order[tree[:, :2].long()].to(tree.dtype)
    return tree[tree[:, 2].argsort(stable=True)].cpu().numpy()
