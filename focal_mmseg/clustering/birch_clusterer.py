"""BIRCH, a row of table 4."""

import numpy as np
import torch
from sklearn.cluster import Birch
from torch import Tensor

from .base import Clusterer, checked
from .registry import TASK_UTILS

# Small, because distances concentrate in many dimensions: in a round cloud of points only a factor of 1.4 lies between
# the threshold that keeps every point apart and the one that makes them all one subcluster.
GROWTH = 1.1
# Points between two looks at the number of subclusters.
CHUNK = 1024


@TASK_UTILS.register_module()
class BIRCHClusterer(Clusterer):
    """scikit-learn's BIRCH: one pass sums the points up as subclusters, Ward's method then joins their centres.

    Ward's method needs the square of the number of subclusters in memory. So where a threshold leaves more than
    ``max_subclusters``, it is raised by a tenth and the tree is built again until they fit, which is what the method's
    own paper does when memory runs out. A subcluster counts as one point there, however many it sums up, so a forged
    area that is one subcluster can go unseen beside a pristine one that is hundreds. The order of the points matters.

    Args:
        n_clusters (int): At least 1. Defaults to 2, the paper's setting.
        threshold (float): A point joins the nearest subcluster if that one's radius (root mean square distance to its
            centre) stays within this; above 0. Unit vectors have radii from 0 to 1. Where it is too large there are
            fewer subclusters than ``n_clusters``, and each is a cluster: a single one is a pristine image.
            Defaults to 0.1: on 60 images and maps of 48x48 embeddings of the demo's network it left 274 to 1,873
            subclusters and the best IoU, .655; scikit-learn's own 0.5 left as few as 1, with .604.
        branching_factor (int): Most subclusters of one node of the tree, at least 2. Defaults to 50.
        max_subclusters (int): At least ``n_clusters``. Defaults to 4096, for which Ward's method takes 134 MB.

    Raises:
        ValueError: If an option is out of its range.
    """

    def __init__(
        self, n_clusters: int = 2, threshold: float = 0.1, branching_factor: int = 50, max_subclusters: int = 4096
    ) -> None:
        super().__init__()
        if n_clusters < 1:
            raise ValueError(f'n_clusters must be at least 1, got {n_clusters}')
        if not threshold > 0:
            raise ValueError(f'threshold must be above 0, got {threshold}')
        if branching_factor < 2:
            raise ValueError(f'branching_factor must be at least 2, got {branching_factor}')
        if max_subclusters < n_clusters:
            raise ValueError(
                f'max_subclusters must be at least n_clusters, got {max_subclusters} for {n_clusters} clusters'
            )
        self.n_clusters = n_clusters
        self.threshold = threshold
        self.branching_factor = branching_factor
        self.max_subclusters = max_subclusters

    def _tree(self, points: np.ndarray, threshold: float) -> Birch | None:
        """The tree of all points, or None once it has more than ``max_subclusters``."""
        tree = Birch(n_clusters=None, threshold=threshold, branching_factor=self.branching_factor, compute_labels=False)
        for start in range(0, len(points), CHUNK):
            tree.partial_fit(points[start : start + CHUNK])
            if len(tree.subcluster_centers_) > self.max_subclusters:
                return None
        return tree

    @checked
    def fit_predict(self, embeddings: Tensor) -> Tensor:
        """See :meth:`Clusterer.fit_predict`; with fewer subclusters, or distinct points, as many clusters."""
        # The radius is a difference of sums of squares, which float32 loses.
        points = embeddings.cpu().double().numpy()
        threshold = self.threshold
        while (tree := self._tree(points, threshold)) is None:
            threshold *= GROWTH
        # At a tiny threshold rounding keeps equal points apart, in more subclusters than there are distinct points.
        clusters = min(self.n_clusters, len(tree.subcluster_centers_), len(embeddings.unique(dim=0)))
        if clusters == 1:
            return torch.zeros(len(embeddings), dtype=torch.int64, device=embeddings.device)
        tree.set_params(n_clusters=clusters).partial_fit()
        return torch.from_numpy(tree.predict(points)).long().to(embeddings.device)
