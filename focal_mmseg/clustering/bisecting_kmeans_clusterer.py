"""Bisecting K-means, a row of table 4."""

import torch
from sklearn.cluster import BisectingKMeans
from torch import Tensor

from .base import Clusterer, checked
from .registry import TASK_UTILS

# scikit-learn's K-means multiplies its tolerance by the points' variance, its bisecting K-means does not and would
# call the first centres of close points converged.
TOLERANCE = 1e-4


@TASK_UTILS.register_module()
class BisectingKMeansClusterer(Clusterer):
    """scikit-learn's bisecting K-means: K-means splits the cluster with the largest squared error, time and again.

    With two clusters there is one split, which is K-means itself; the two differ from three clusters on. It always
    finds ``n_clusters`` of them, so a pristine image always gets a forged area.

    Args:
        n_clusters (int): At least 1. Defaults to 2, the paper's setting.
        n_init (int): Starts of each split, of which the best is kept. Defaults to 10.
        random_state (int): Of the starts. Defaults to 0.

    Raises:
        ValueError: If an option is out of its range.
    """

    def __init__(self, n_clusters: int = 2, n_init: int = 10, random_state: int = 0) -> None:
        super().__init__()
        if n_clusters < 1 or n_init < 1:
            raise ValueError(f'n_clusters and n_init must be at least 1, got {n_clusters} and {n_init}')
        self.n_clusters = n_clusters
        self.n_init = n_init
        self.random_state = random_state

    @checked
    def fit_predict(self, embeddings: Tensor) -> Tensor:
        """See :meth:`Clusterer.fit_predict`; with fewer distinct points than clusters, one cluster a point."""
        # A split cluster lies off the origin, where float32 loses the distances between close points.
        points = embeddings.cpu().double().numpy()
        clusters = min(self.n_clusters, len(embeddings.unique(dim=0)))
        model = BisectingKMeans(
            clusters,
            init='k-means++',
            n_init=self.n_init,
            random_state=self.random_state,
            tol=TOLERANCE * points.var(0).mean(),
        )
        return torch.from_numpy(model.fit_predict(points)).long().to(embeddings.device)
