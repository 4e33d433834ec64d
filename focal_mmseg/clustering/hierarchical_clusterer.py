"""Hierarchical clustering by Ward's method, a row of table 4."""

import torch
from scipy.sparse import spmatrix
from sklearn.cluster import AgglomerativeClustering
from sklearn.feature_extraction.image import grid_to_graph
from torch import Tensor

from .base import Clusterer, checked
from .registry import TASK_UTILS


@TASK_UTILS.register_module()
class HierarchicalClusterer(Clusterer):
    """scikit-learn's agglomerative clustering by Ward's method: the union that adds the least squared error is next.

    Up to ``max_unstructured`` points any two clusters may join. For that the distances of all pairs are held, twice:
    8 P^2 bytes, 134 MB for 4,096 points and 34 GB for the 65,536 of a 256x256 map. On a larger map only clusters that
    touch (above, below, left or right) may join, and memory grows with P. Every cluster is then one connected region;
    with two clusters, several forged areas apart from one another cannot all be found.

    It always finds ``n_clusters`` of them, so a pristine image always gets a forged area.

    Args:
        n_clusters (int): At least 1. Defaults to 2, the paper's setting.
        max_unstructured (int): Most points for which any two clusters may join, at least 1. Defaults to 4096, a
            64x64 map.

    Raises:
        ValueError: If an option is out of its range.
    """

    def __init__(self, n_clusters: int = 2, max_unstructured: int = 4096) -> None:
        super().__init__()
        if n_clusters < 1 or max_unstructured < 1:
            raise ValueError(
                f'n_clusters and max_unstructured must be at least 1, got {n_clusters} and {max_unstructured}'
            )
        self.n_clusters = n_clusters
        self.max_unstructured = max_unstructured

    @checked
    def fit_predict(self, embeddings: Tensor) -> Tensor:
        """See :meth:`Clusterer.fit_predict`; with fewer distinct points than clusters, as many clusters as those.

        Raises:
            ValueError: If there are more than ``max_unstructured`` points.
        """
        points = len(embeddings)
        if points > self.max_unstructured:
            raise ValueError(
                f'{points} points are more than max_unstructured={self.max_unstructured}: give the grid of their map, '
                f'make the map smaller, or raise max_unstructured ({points} points take {8e-9 * points**2:.1f} GB)'
            )
        return self._join(embeddings, None)

    @checked
    def fit_predict_grid(self, embeddings: Tensor, grid: tuple[int, int]) -> Tensor:
        """See :meth:`Clusterer.fit_predict_grid`; the grid is used for more than ``max_unstructured`` points."""
        if len(embeddings) <= self.max_unstructured:
            return self.fit_predict(embeddings)
        return self._join(embeddings, grid_to_graph(*grid))

    def _join(self, embeddings: Tensor, connectivity: spmatrix | None) -> Tensor:
        """Ward's method, with (P, P) non-zero where two points touch, or without."""
        clusters = min(self.n_clusters, len(embeddings.unique(dim=0)))
        if clusters == 1:
            return torch.zeros(len(embeddings), dtype=torch.int64, device=embeddings.device)
        model = AgglomerativeClustering(clusters, connectivity=connectivity, linkage='ward')
        return torch.from_numpy(model.fit_predict(embeddings.cpu().numpy())).long().to(embeddings.device)
