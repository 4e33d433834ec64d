"""HDBSCAN, the paper's clustering."""

import numpy as np
import torch
from hdbscan.hdbscan_ import _tree_to_labels
from sklearn.cluster._hierarchical_fast import single_linkage_label
from torch import Tensor

from .base import Clusterer, checked
from .registry import TASK_UTILS
from .spanning_tree import mutual_reachability_tree

METHODS = ('eom', 'leaf')


@TASK_UTILS.register_module()
class HDBSCANClusterer(Clusterer):
    """HDBSCAN with the options and the meaning of the hdbscan package, Euclidean on unit vectors.

    The spanning tree is ours (:func:`mutual_reachability_tree`), because the package needs 84 s for 16,384 embeddings
    256 wide, and four times the points take some sixteen times as long. Condensation, stability and labels are the
    package's own functions on that tree.
    The defaults are measured: docs/notes/clustering.md.

    Args:
        min_cluster_size (int | float): The smallest group that counts as a cluster: a count of points (int, at
            least 2), or their share of the image (float in (0, 1)). A share keeps its meaning when the embedding map
            changes its size: the journal version's 200 is 0.3 % of a 256x256 map but 4.9 % of a 64x64 one.
            Defaults to 0.005.
        min_samples (int, optional): Neighbours that make up the core distance; the more, the smoother the density.
            None takes ``min_cluster_size``, as in the package. Defaults to 20.
        cluster_selection_method (str): ``'eom'`` or ``'leaf'``. Defaults to ``'eom'``.
        cluster_selection_epsilon (float): Clusters closer than this are not split. Defaults to 0.
        allow_single_cluster (bool): Whether the whole image may be one cluster, so that a pristine image gives an
            empty mask. The package's own default is False; here it is True.
        noise (str): See :class:`Clusterer`.

    Raises:
        ValueError: If an option is out of its range.

    Example:
        >>> import torch
        >>> labels = torch.tensor([0] * 40 + [1] * 20)
        >>> noise = 0.05 * torch.randn(60, 2, generator=torch.Generator().manual_seed(0))
        >>> embeddings = torch.nn.functional.normalize(torch.eye(2)[labels] + noise)
        >>> found = HDBSCANClusterer(min_cluster_size=15, min_samples=5).localise(embeddings)
        >>> found.num_clusters, bool((found.forged == (labels == 1)).all())
        (2, True)
    """

    def __init__(
        self,
        min_cluster_size: int | float = 0.005,
        min_samples: int | None = 20,
        cluster_selection_method: str = 'eom',
        cluster_selection_epsilon: float = 0.0,
        allow_single_cluster: bool = True,
        noise: str = 'nearest',
    ) -> None:
        super().__init__(noise)
        a_share = isinstance(min_cluster_size, float) and 0 < min_cluster_size < 1
        a_count = isinstance(min_cluster_size, int) and min_cluster_size >= 2
        if not (a_share or a_count):
            raise ValueError(
                'min_cluster_size must be a count (int, at least 2) or a share (float in (0, 1)), '
                f'got {min_cluster_size!r}'
            )
        if min_samples is not None and not (isinstance(min_samples, int) and min_samples >= 1):
            raise ValueError(f'min_samples must be None or an int of at least 1, got {min_samples!r}')
        if cluster_selection_method not in METHODS:
            raise ValueError(f'cluster_selection_method must be one of {METHODS}, got {cluster_selection_method!r}')
        if not 0 <= cluster_selection_epsilon < float('inf'):
            raise ValueError(
                f'cluster_selection_epsilon must be finite and at least 0, got {cluster_selection_epsilon}'
            )
        self.min_cluster_size = min_cluster_size
        self.min_samples = min_samples
        self.cluster_selection_method = cluster_selection_method
        self.cluster_selection_epsilon = float(cluster_selection_epsilon)
        self.allow_single_cluster = allow_single_cluster

    def _smallest_cluster(self, points: int) -> int:
        """``min_cluster_size`` as a count, for an image of so many points."""
        if isinstance(self.min_cluster_size, int):
            return self.min_cluster_size
        return max(2, round(self.min_cluster_size * points))

    @checked
    def fit_predict(self, embeddings: Tensor) -> Tensor:
        """See :meth:`Clusterer.fit_predict`; fewer points than two clusters need, or equal ones, are one cluster."""
        return self.memberships(embeddings)[0]

    def memberships(self, embeddings: Tensor, grid: tuple[int, int] | None = None) -> tuple[Tensor, Tensor]:
        """See :meth:`Clusterer.memberships`; the probabilities are the package's, 0 for noise."""
        smallest = self._smallest_cluster(len(embeddings))
        if len(embeddings) < 2 * smallest or (embeddings == embeddings[0]).all():
            labels = torch.zeros(len(embeddings), dtype=torch.int64, device=embeddings.device)
            return labels, torch.ones_like(labels, dtype=torch.float32)
        tree = mutual_reachability_tree(embeddings, self.min_samples or smallest)
        labels, probabilities = (torch.from_numpy(each).to(embeddings.device) for each in self.tree_memberships(tree))
        return labels, probabilities.float()

    def tree_labels(self, tree: np.ndarray) -> np.ndarray:
        """The labels of :meth:`tree_memberships`."""
        return self.tree_memberships(tree)[0]

    def tree_memberships(self, tree: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The package's hierarchy, condensation and choice of clusters, on a tree of ours.

        Args:
            tree (np.ndarray): float64 of shape (P - 1, 3), from :func:`mutual_reachability_tree`.

        Returns:
            tuple[np.ndarray, np.ndarray]: int64 of shape (P,): 0..K-1 the cluster, -1 noise; and float64 of shape (P,)
            in [0, 1]: how near the densest part of its cluster each point is.
        """
        points = len(tree) + 1
        # scikit-learn's single linkage is the package's own, but for the package's search for a component's root, which
        # grows with the square of the points. Of the points themselves the next function asks nothing.
        labels, probabilities, *_ = _tree_to_labels(
            None,
            single_linkage_label(tree),
            min_cluster_size=self._smallest_cluster(points),
            cluster_selection_method=self.cluster_selection_method,
            allow_single_cluster=self.allow_single_cluster,
            cluster_selection_epsilon=self.cluster_selection_epsilon,
        )
        return labels.astype(np.int64), np.asarray(probabilities, np.float64)
