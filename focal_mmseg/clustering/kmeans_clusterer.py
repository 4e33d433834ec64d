"""K-means, the authors' released choice and a row of table 4."""

import torch
from sklearn.cluster import KMeans
from torch import Tensor

from .base import Clusterer, checked
from .registry import TASK_UTILS


@TASK_UTILS.register_module()
class KMeansClusterer(Clusterer):
    """scikit-learn's K-means; on unit vectors the Euclidean distance orders points as the cosine does.

    It always finds ``n_clusters`` of them, so a pristine image always gets a forged area.

    Args:
        n_clusters (int): At least 1. Defaults to 2, the paper's setting.
        n_init (int): Starts, of which the best is kept. Defaults to 10.
        random_state (int): Of the starts. Defaults to 0.

    Raises:
        ValueError: If an option is out of its range.

    Example:
        >>> import torch
        >>> found = KMeansClusterer().localise(torch.eye(2)[[0, 0, 0, 1]])
        >>> found.forged.tolist(), found.num_clusters
        ([False, False, False, True], 2)
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
        # In float32 near-equal points come out equal, and more starts than points are left.
        points = embeddings.cpu().double().numpy()
        clusters = min(self.n_clusters, len(embeddings.unique(dim=0)))
        model = KMeans(clusters, n_init=self.n_init, random_state=self.random_state)
        return torch.from_numpy(model.fit_predict(points)).long().to(embeddings.device)
