"""The minimum spanning tree of the mutual reachability distance, in blocks."""

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

# Distances held at once: 4 Mi doubles, 32 MiB.
DISTANCES_PER_BLOCK = 1 << 22


def _distances(block: Tensor, points: Tensor, norms: Tensor) -> Tensor:
    """Euclidean distances (B, P) of a block of points to all points.

    In float64, where |x|^2 + |y|^2 - 2xy loses at most half of 16 digits: a distance is right to about 1e-8.
    """
    squares = (block * block).sum(1, keepdim=True) + norms - 2 * (block @ points.T)
    return squares.clamp_(min=0).sqrt_()


def core_distances(points: Tensor, min_samples: int) -> Tensor:
    """The distance of each point to its ``min_samples``-th nearest neighbour.

    As in the hdbscan package, the point itself is not one of its neighbours.

    Args:
        points (Tensor): float64 of shape (P, C).
        min_samples (int): At least 1; beyond P - 1 the farthest point counts.

    Returns:
        Tensor: float64 of shape (P,).
    """
    norms = (points * points).sum(1)
    nearest = min(min_samples + 1, len(points))
    blocks = points.split(max(1, DISTANCES_PER_BLOCK // len(points)))
    return torch.cat([_distances(block, points, norms).kthvalue(nearest).values for block in blocks])


def _nearest_outside(points: Tensor, norms: Tensor, core: Tensor, component: Tensor) -> tuple[Tensor, Tensor]:
    """For each point the nearest one, by mutual reachability, of another component, and how far it is."""
    size = max(1, DISTANCES_PER_BLOCK // len(points))
    weights, ends = [], []
    for first in range(0, len(points), size):
        rows = slice(first, first + size)
        reach = _distances(points[rows], points, norms)
        reach = torch.maximum(torch.maximum(reach, core[rows, None]), core)
        reach.masked_fill_(component[rows, None] == component, float('inf'))
        weight, end = reach.min(1)
        weights.append(weight)
        ends.append(end)
    return torch.cat(weights), torch.cat(ends)


def _shortest_of_each(component: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The index of each component's point with the shortest edge out of it."""
    order = np.lexsort((weight, component))
    return order[np.r_[True, component[order][1:] != component[order][:-1]]]


def mutual_reachability_tree(points: Tensor, min_samples: int) -> np.ndarray:
    """The minimum spanning tree that HDBSCAN builds its hierarchy on, exactly.

    Boruvka's algorithm: in every round each component takes its shortest edge to another one. A round is one
    all-pairs product in blocks, and there are at most log2(P) of them; memory is O(P * C), never P * P.

    Args:
        points (Tensor): float of shape (P, C), P at least 2.
        min_samples (int): Neighbours that make up the core distance, at least 1.

    Returns:
        np.ndarray: float64 of shape (P - 1, 3): two points and the mutual reachability distance between them,
        sorted by distance.
    """
    points = points.double()
    norms = (points * points).sum(1)
    core = core_distances(points, min_samples)
    component = np.arange(len(points))
    tree = []
    joined = np.empty((0, 2), dtype=np.int64)
    while component.any():
        weight, end = _nearest_outside(points, norms, core, torch.from_numpy(component).to(points.device))
        weight, end = weight.cpu().numpy(), end.cpu().numpy()
        start = _shortest_of_each(component, weight)
        edges = _without_cycles(component, start, end[start], weight[start])
        tree.append(edges)
        joined = np.concatenate([joined, edges[:, :2].astype(np.int64)])
        links = coo_array((np.ones(len(joined), bool), (joined[:, 0], joined[:, 1])), shape=(len(points),) * 2)
        component = connected_components(links, directed=False)[1]
    tree = np.concatenate(tree)
    return tree[np.argsort(tree[:, 2], kind='stable')]


def _without_cycles(component: np.ndarray, start: np.ndarray, end: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The (E, 3) edges that join components, shortest first: equal weights could otherwise close a cycle."""
    parent = np.arange(component.max() + 1)

    def root(of: int) -> int:
        while parent[of] != of:
            parent[of] = parent[parent[of]]
            of = parent[of]
        return of

    kept = []
    for edge in np.argsort(weight, kind='stable'):
        one, other = root(component[start[edge]]), root(component[end[edge]])
        if one != other:
            parent[one] = other
            kept.append(edge)
    return np.column_stack([start[kept], end[kept], weight[kept]])
