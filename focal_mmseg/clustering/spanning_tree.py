"""The minimum spanning tree of the mutual reachability distance: exact, in blocks, and without the full matrix."""

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

# Distances held at once: 4 Mi doubles, 32 MiB.
DISTANCES_PER_BLOCK = 1 << 22

# Nearest neighbours that are remembered beyond those of the core distance, to find short edges without a scan.
SPARE_NEIGHBOURS = 32


def _distances(block: Tensor, points: Tensor, norms: Tensor) -> Tensor:
    """Euclidean distances (B, P) of a block of points to all points.

    In float64, where |x|^2 + |y|^2 - 2xy loses at most half of 16 digits: the distance between
    unit vectors is right to about 1e-7.
    """
    squares = torch.addmm(norms, block, points.T, alpha=-2).add_((block * block).sum(1, keepdim=True))
    return squares.clamp_(min=0).sqrt_()


def nearest_neighbours(points: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The nearest neighbours of each point, itself the first of them or an equal one.

    Args:
        points (Tensor): float64 of shape (P, C).
        count (int): At most P.

    Returns:
        tuple[Tensor, Tensor]: Distances (P, count), rising, and the neighbours' indices (P, count).
    """
    norms = (points * points).sum(1)
    blocks = points.split(max(1, DISTANCES_PER_BLOCK // len(points)))
    found = [_distances(block, points, norms).topk(count, largest=False) for block in blocks]
    return torch.cat([values for values, _ in found]), torch.cat([indices for _, indices in found])


class _ReachabilityTree:
    """Boruvka's algorithm: in every round each component but the largest takes its shortest edge to another one.

    A round looks at remembered neighbours first. A point is scanned against all others only where an edge shorter than
    its component's best so far is still possible: none of its edges out of the component is shorter than the distance
    to its farthest remembered neighbour, nor than the shortest one at its last scan, because components only grow.
    """

    def __init__(self, points: Tensor, min_samples: int) -> None:
        self.points = points
        self.norms = (points * points).sum(1)
        count = min(len(points), min_samples + 1 + SPARE_NEIGHBOURS)
        distances, self.neighbours = nearest_neighbours(points, count)
        self.core = distances[:, min(min_samples, count - 1)].contiguous()
        self.reach = torch.maximum(torch.maximum(distances, self.core[:, None]), self.core[self.neighbours])
        self.at_least = distances[:, -1].clone() if count < len(points) else torch.full_like(self.core, float('inf'))
        self.component = torch.zeros(len(points), dtype=torch.int64, device=points.device)

    def build(self) -> np.ndarray:
        """The tree's edges (P - 1, 3)."""
        component = np.arange(len(self.points))
        edges = np.empty((0, 3))
        while component.any():
            self.component = torch.from_numpy(component).to(self.points.device)
            edges = np.concatenate([edges, _without_cycles(component, self._shortest_edges())])
            ends = edges[:, :2].astype(np.int64).T
            links = coo_array((np.ones(len(edges), bool), tuple(ends)), shape=(len(component),) * 2)
            component = connected_components(links, directed=False)[1]
        return edges

    def _shortest_edges(self) -> np.ndarray:
        """The shortest edge (start, end, weight) out of each component but the largest, one row each."""
        sizes = torch.bincount(self.component)
        largest = int(sizes.argmax())
        weight, end = self._remembered_edges()
        best = torch.full((len(sizes),), float('inf'), dtype=weight.dtype, device=weight.device)
        best.scatter_reduce_(0, self.component, weight, 'amin')
        best.scatter_reduce_(0, self.component[end], weight, 'amin')
        possible = (self.at_least < torch.minimum(weight, best[self.component])) & (self.component != largest)
        for rows in possible.nonzero().flatten().split(max(1, DISTANCES_PER_BLOCK // len(self.points))):
            rows = rows[self.at_least[rows] < best[self.component[rows]]]
            if len(rows):
                weight[rows], end[rows] = self._scan(rows)
                self.at_least[rows] = weight[rows]
                best.scatter_reduce_(0, self.component[rows], weight[rows], 'amin')
        return self._best_of_each(weight.cpu().numpy(), end.cpu().numpy(), largest)

    def _remembered_edges(self) -> tuple[Tensor, Tensor]:
        """For each point its shortest edge, among the remembered ones, out of its component."""
        outside = self.component[self.neighbours] != self.component[:, None]
        weight, column = torch.where(outside, self.reach, float('inf')).min(1)
        return weight, self.neighbours.gather(1, column[:, None]).squeeze(1)

    def _scan(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """For some points their shortest edge out of their component, among all."""
        reach = _distances(self.points[rows], self.points, self.norms)
        torch.maximum(reach, self.core, out=reach)
        torch.maximum(reach, self.core[rows, None], out=reach)
        return reach.masked_fill_(self.component[rows, None] == self.component, float('inf')).min(1)

    def _best_of_each(self, weight: np.ndarray, end: np.ndarray, largest: int) -> np.ndarray:
        """The shortest of the edges at each component's points, from either side."""
        component = self.component.cpu().numpy()
        known = np.flatnonzero(np.isfinite(weight))
        start, end, weight = known, end[known], weight[known]
        owner = np.concatenate([component[start], component[end]])
        edges = np.column_stack([np.tile(start, 2), np.tile(end, 2), np.tile(weight, 2)])
        order = np.lexsort((edges[:, 2], owner))
        first = order[np.r_[True, owner[order][1:] != owner[order][:-1]]]
        return edges[first[owner[first] != largest]]


def _without_cycles(component: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Of edges (E, 3) those that join components, shortest first: equal weights could otherwise close a cycle."""
    parent = np.arange(component.max() + 1)

    def root(of: int) -> int:
        while parent[of] != of:
            parent[of] = parent[parent[of]]
            of = parent[of]
        return of

    kept = []
    for edge in np.argsort(edges[:, 2], kind='stable'):
        one, other = root(component[int(edges[edge, 0])]), root(component[int(edges[edge, 1])])
        if one != other:
            parent[one] = other
            kept.append(edge)
    return edges[kept]


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
    tree = _ReachabilityTree(points.double(), min_samples).build()
    return tree[np.argsort(tree[:, 2], kind='stable')]
