"""The minimum spanning tree of the mutual reachability distance: exact, in blocks, and without the full matrix."""

import numpy as np
import torch
from torch import Tensor

from .distances import Screen, exact_distances

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

    def of(self, points: Tensor) -> Tensor:
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
    shorter than the shortest known out of its component: its edges that are not known have length ``at_least``. That
    starts as the bound on all points that are not remembered, a scan raises it, and it stays true because components
    only grow.

    Args:
        points (Tensor): float64 of shape (P, C), P at least 2.
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
        self.screens = [Screen(points, torch.float32), Screen(points, torch.float64)]
        count = min(len(points), min_samples + 1 + SPARE_NEIGHBOURS)
        nearest = min(min_samples, count - 1)
        distances, self.neighbours, self.at_least = self._nearest_neighbours(count, nearest)
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
            root = roots_of(parent)
            joins = root != torch.arange(len(root), device=root.device)
            edges.append(torch.stack([shortest.start, shortest.end, shortest.weight], dim=1)[joins])
            self.component = root.unique(return_inverse=True)[1][self.component]
        return torch.cat(edges)

    def _nearest_neighbours(self, count: int, certain: int) -> tuple[Tensor, Tensor, Tensor]:
        """Distances (P, count), rising, and indices of near points, and a bound (P,) on the distance of all others.

        Up to the rank ``certain`` they are the nearest ones beyond the doubt of the last screen's margin.
        """
        distances = self.points.new_empty(len(self.points), count)
        indices = torch.empty_like(distances, dtype=torch.int64)
        beyond = self.points.new_full((len(self.points),), float('-inf'))
        is_open = torch.ones_like(beyond, dtype=torch.bool)
        for screen in tuple(self.screens):
            is_trusted = torch.ones_like(is_open[0])
            for rows in screen.blocks(is_open.nonzero().flatten()):
                nearness, found = screen.nearness(rows).topk(count)
                exact = exact_distances(self.points, rows, found)
                is_trusted &= screen.is_within_margin(rows, nearness, exact)
                distances[rows], order = exact.sort(dim=1)
                indices[rows] = found.gather(1, order)
                beyond[rows] = screen.at_least(rows, nearness[:, -1])
            if is_trusted or screen is self.screens[-1]:
                is_open = distances[:, certain] > beyond
            else:
                self.screens.remove(screen)
        if count == len(self.points):
            beyond = torch.full_like(beyond, float('inf'))
        return distances, indices, beyond

    def _shortest_edges(self) -> tuple[_ShortestEdges, Tensor]:
        """The shortest edges out of all components but the largest, and which that is."""
        largest = torch.bincount(self.component).argmax()
        shortest = _ShortestEdges(self.component)
        shortest.offer(*self._remembered_edges())
        for screen in self.screens:
            is_open = (self.at_least < shortest.weight[self.component]) & (self.component != largest)
            for rows in screen.blocks(is_open.nonzero().flatten()):
                rows = rows[self.at_least[rows] < shortest.of(rows)]
                if len(rows):
                    shortest.offer(rows, *self._scan(rows, screen))
        return shortest, largest

    def _remembered_edges(self) -> tuple[Tensor, Tensor, Tensor]:
        """For each point its shortest edge (start, end, weight), among the remembered ones, out of its component."""
        outside = self.component[self.neighbours] != self.component[:, None]
        weight, column = torch.where(outside, self.reach, float('inf')).min(1)
        start = torch.arange(len(weight), device=weight.device)
        return start, self.neighbours.gather(1, column[:, None]).squeeze(1), weight

    def _scan(self, rows: Tensor, screen: Screen) -> tuple[Tensor, Tensor]:
        """For some points the shortest edge (end, weight) out of their component that the screen finds."""
        nearness = screen.nearness(rows)
        torch.minimum(nearness, -(self.core**2 / 2).to(nearness.dtype), out=nearness)
        nearness.masked_fill_(self.component[rows, None] == self.component, float('-inf'))
        nearness, ends = nearness.topk(min(CANDIDATES, len(self.points)))
        core = torch.maximum(self.core[rows, None], self.core[ends])
        reach = torch.maximum(exact_distances(self.points, rows, ends), core)
        weight, column = reach.masked_fill_(nearness == float('-inf'), float('inf')).min(1)
        others = torch.maximum(screen.at_least(rows, nearness[:, -1]), self.core[rows])
        self.at_least[rows] = torch.minimum(weight, others)
        return ends.gather(1, column[:, None]).squeeze(1), weight


def roots_of(parent: Tensor) -> Tensor:
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
    tree = ReachabilityTree(points.double(), min_samples).build()
    return tree[tree[:, 2].argsort(stable=True)].cpu().numpy()
