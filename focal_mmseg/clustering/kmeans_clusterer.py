"""K-means, the authors' released choice and a row of table 4."""

import torch
from mmseg.registry import TASK_UTILS
from sklearn.cluster import KMeans
from torch import Tensor

from .base import Clusterer, checked


@TASK_UTILS.register_module()
class KMeansClusterer(Clusterer):
    """scikit-learn's K-means; on unit vectors the Euclidean distance orders points as the cosine does.

    It always finds ``num_clusters`` of them, so a pristine picture always gets a forged area.

    Args:
        num_clusters (int): At least 1. Defaults to 2, the paper's setting.
        num_init (int): Starts, of which the best is kept. Defaults to 10.
        seed (int): Of the starts. Defaults to 0.

    Raises:
        ValueError: If an option is out of its range.
    """

    def __init__(self, num_clusters: int = 2, num_init: int = 10, seed: int = 0) -> None:
        super().__init__()
        if num_clusters < 1 or num_init < 1:
            raise ValueError(f'num_clusters and num_init must be at least 1, got {num_clusters} and {num_init}')
        self.num_clusters = num_clusters
        self.num_init = num_init
        self.seed = seed

    @checked
    def fit_predict(self, embeddings: Tensor) -> Tensor:
        """See :meth:`Clusterer.fit_predict`; with fewer distinct points than clusters, one cluster a point."""
        # In float32 near-equal points come out equal, and more starts than points are left.
        points = embeddings.cpu().double().numpy()
        clusters = min(self.num_clusters, len(embeddings.unique(dim=0)))
        model = KMeans(clusters, n_init=self.num_init, random_state=self.seed)
        return torch.from_numpy(model.fit_predict(points)).long().to(embeddings.device)
