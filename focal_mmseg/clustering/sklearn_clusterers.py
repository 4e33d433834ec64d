"""scikit-learn's clusterers of table 4: K-means (as in the released code), bisecting K-means, Ward's method, BIRCH."""

from abc import abstractmethod

import numpy as np
import torch
from scipy.sparse import spmatrix
from sklearn.cluster import AgglomerativeClustering, Birch, BisectingKMeans, KMeans
from sklearn.feature_extraction.image import grid_to_graph
from torch import Tensor

from .base import Clusterer, checked
from .registry import TASK_UTILS

# scikit-learn's K-means multiplies its tolerance by the points' variance, its bisecting K-means does not and would
# call the first centres of close points converged.
TOLERANCE = 1e-4

# BIRCH's threshold grows in small steps, because distances concentrate in many dimensions: in a round cloud of points
# only a factor of 1.4 lies between the threshold that keeps every point apart and the one that makes them all one
# subcluster.
GROWTH = 1.1
# Points between two looks at BIRCH's number of subclusters.
CHUNK = 1024


class _SklearnClusterer(Clusterer):
    """Asks scikit-learn for ``n_clusters`` clusters, or for as many as there are distinct points.

    Args:
        n_clusters (int): At least 1.
        **counts (int): Other options of the clusterer that must be at least 1.

    Raises:
        ValueError: If one of them is below 1.
    """

    def __init__(self, n_clusters: int, **counts: int) -> None:
        super().__init__()
        for name, count in dict(n_clusters=n_clusters, **counts).items():
            if count < 1:
                raise ValueError(f'{name} must be at least 1, got {count}')
        self.n_clusters = n_clusters

    @checked
    def fit_predict(self, embeddings: Tensor) -> Tensor:
        """See :meth:`Clusterer.fit_predict`; with fewer distinct points than clusters, as many clusters as those."""
        return self._cluster(embeddings)

    def _cluster(self, embeddings: Tensor, connectivity: spmatrix | None = None) -> Tensor:
        n_clusters = min(self.n_clusters, len(embeddings.unique(dim=0)))
        if n_clusters == 1:
            return torch.zeros(len(embeddings), dtype=torch.int64, device=embeddings.device)
        # Float32 loses the small differences: near-equal points come out equal, a radius of BIRCH is a difference of
        # sums of squares, and a cluster that is split lies off the origin.
        labels = self._fit_predict(embeddings.cpu().double().numpy(), n_clusters, connectivity)
        return torch.from_numpy(labels).long().to(embeddings.device)

    @abstractmethod
    def _fit_predict(self, points: np.ndarray, n_clusters: int, connectivity: spmatrix | None) -> np.ndarray:
        """Labels (P,) of float64 (P, C), from at least 2 distinct points; (P, P) non-zero where two points touch."""


@TASK_UTILS.register_module()
class KMeansClusterer(_SklearnClusterer):
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
        super().__init__(n_clusters, n_init=n_init)
        self.n_init = n_init
        self.random_state = random_state

    def _fit_predict(self, points: np.ndarray, n_clusters: int, connectivity: spmatrix | None) -> np.ndarray:
        return KMeans(n_clusters, n_init=self.n_init, random_state=self.random_state).fit_predict(points)


@TASK_UTILS.register_module()
class BisectingKMeansClusterer(KMeansClusterer):
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

    def _fit_predict(self, points: np.ndarray, n_clusters: int, connectivity: spmatrix | None) -> np.ndarray:
        return BisectingKMeans(
            n_clusters,
            init='k-means++',
            n_init=self.n_init,
            random_state=self.random_state,
            tol=TOLERANCE * points.var(0).mean(),
        ).fit_predict(points)


@TASK_UTILS.register_module()
class HierarchicalClusterer(_SklearnClusterer):
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
        super().__init__(n_clusters, max_unstructured=max_unstructured)
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
        return self._cluster(embeddings)

    @checked
    def fit_predict_grid(self, embeddings: Tensor, grid: tuple[int, int]) -> Tensor:
        """See :meth:`Clusterer.fit_predict_grid`; the grid is used for more than ``max_unstructured`` points."""
        if len(embeddings) <= self.max_unstructured:
            return self.fit_predict(embeddings)
        return self._cluster(embeddings, grid_to_graph(*grid))

    def _fit_predict(self, points: np.ndarray, n_clusters: int, connectivity: spmatrix | None) -> np.ndarray:
        return AgglomerativeClustering(n_clusters, connectivity=connectivity, linkage='ward').fit_predict(points)


@TASK_UTILS.register_module()
class BIRCHClusterer(_SklearnClusterer):
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
        super().__init__(n_clusters)
        if not threshold > 0:
            raise ValueError(f'threshold must be above 0, got {threshold}')
        if branching_factor < 2:
            raise ValueError(f'branching_factor must be at least 2, got {branching_factor}')
        if max_subclusters < n_clusters:
            raise ValueError(
                f'max_subclusters must be at least n_clusters, got {max_subclusters} for {n_clusters} clusters'
            )
        self.threshold = threshold
        self.branching_factor = branching_factor
        self.max_subclusters = max_subclusters

    def _build_tree(self, points: np.ndarray, threshold: float) -> Birch | None:
        """The tree of all points, or None once it has more than ``max_subclusters``."""
        tree = Birch(n_clusters=None, threshold=threshold, branching_factor=self.branching_factor, compute_labels=False)
        for start in range(0, len(points), CHUNK):
            tree.partial_fit(points[start : start + CHUNK])
            if len(tree.subcluster_centers_) > self.max_subclusters:
                return None
        return tree

    def _fit_predict(self, points: np.ndarray, n_clusters: int, connectivity: spmatrix | None) -> np.ndarray:
        threshold = self.threshold
        while (tree := self._build_tree(points, threshold)) is None:
            threshold *= GROWTH
        subclusters = len(tree.subcluster_centers_)
        if subclusters == 1:
            return np.zeros(len(points), np.int64)
        # At a tiny threshold rounding keeps equal points apart, in more subclusters than there are distinct points.
        tree.set_params(n_clusters=min(n_clusters, subclusters)).partial_fit()
        return tree.predict(points)
