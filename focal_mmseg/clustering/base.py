"""What every clusterer shares, and the one rule that turns clusters into pristine and forged."""

import functools
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from .parallel_map import parallel_map

NOISE = ('nearest', 'pristine', 'forged')

# A point on the wrong side of the middle between the centres keeps its label: its score stops just short of 1/2.
SHORT_OF_HALF = 0.499


@dataclass(frozen=True)
class Localisation:
    """Where one image is forged, point by point.

    Attributes:
        forged (Tensor): bool of shape (P,).
        score (Tensor): float32 of shape (P,) in [0, 1], above 1/2 exactly where ``forged``.
        num_clusters (int): Clusters found, noise not counted.
        noise_share (float): Share of the points that the clusterer left without a cluster, in [0, 1].
        dispersion (float): How little alike the embeddings are: 1 less the length of their mean, in [0, 1]. Needs no
            clusters, and ranks forged images above pristine ones (docs/guide/metrics.md).
        labels (Tensor): int64 of shape (P,): 0 the pristine cluster, 1.. the others from large to small, -1 what
            the clusterer left without a cluster. A gate changes ``forged``, not the labels.
        distances (Tensor): float32 of shape (P, max(1, num_clusters)): Euclidean, to the centre of each cluster
            by its label.
        centre_distances (Tensor): float32 of shape (max(1, num_clusters),): from the centre of each cluster to that
            of the pristine one; the first is 0.
        seconds (float): What the clustering took, or 0 where nobody measured it.
        probabilities (Tensor | None): float32 of shape (P,) in [0, 1]: how surely each point belongs to its cluster,
            where the clusterer says so (HDBSCAN), else None.
        grid (tuple[int, int] | None): Height and width of the map that the points are, row by row, where it is known.
        gate_score (float | None): The gate's score of the image as a whole, in [0, 1]; None without a gate.
    """

    forged: Tensor
    score: Tensor
    num_clusters: int
    noise_share: float
    dispersion: float
    labels: Tensor
    distances: Tensor
    centre_distances: Tensor
    seconds: float = 0.0
    probabilities: Tensor | None = None
    grid: tuple[int, int] | None = None
    gate_score: float | None = None

    @property
    def image_score(self) -> float:
        """How surely something in the image is forged, in [0, 1]: the gate's score, without one the dispersion."""
        return self.dispersion if self.gate_score is None else self.gate_score

    @property
    def sources(self) -> Tensor:
        """Where each point would come from if it is forged, int64 of shape (P,).

        That is the label of its cluster, and of points that are pristine or noise the cluster that is not pristine with
        the nearest centre; 1 where there is none.
        """
        if self.distances.shape[1] == 1:
            return torch.ones_like(self.labels)
        return torch.where(self.labels > 0, self.labels, self.distances[:, 1:].argmin(1) + 1)


def as_points(embeddings: Tensor | np.ndarray, dtype: torch.dtype | None = None) -> Tensor:
    """Embeddings as clusterers take them.

    Args:
        embeddings (Tensor | np.ndarray): Numbers of any precision, shape (P, C), P at least 1; a gradient is left.
        dtype (torch.dtype, optional): Of the result. None keeps float64 and widens all else to float32.

    Returns:
        Tensor: Without a gradient, on the same device.

    Raises:
        TypeError: If it is neither a tensor nor an array of real numbers.
        ValueError: If there is no point, or an embedding is not finite.
    """
    if isinstance(embeddings, np.ndarray) and embeddings.dtype.kind in 'fiu':
        # A copy: torch would warn of an array that cannot be written to.
        embeddings = torch.from_numpy(embeddings.astype(np.promote_types(embeddings.dtype, np.float32)))
    if not isinstance(embeddings, Tensor) or embeddings.is_complex() or embeddings.dtype == torch.bool:
        what = getattr(embeddings, 'dtype', type(embeddings).__name__)
        raise TypeError(f'expected embeddings as a tensor or an array of real numbers, got {what}')
    if embeddings.ndim != 2 or not len(embeddings):
        raise ValueError(f'expected embeddings (P, C) with at least one point, got {tuple(embeddings.shape)}')
    if dtype is None:
        dtype = torch.promote_types(embeddings.dtype, torch.float32)
    embeddings = embeddings.detach().to(dtype)
    if not embeddings.isfinite().all():
        raise ValueError('the embeddings hold NaN or infinity: did the training diverge?')
    return embeddings


def checked(cluster: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Have a clusterer's ``fit_predict`` or ``fit_predict_grid`` look at its embeddings, see :func:`as_points`."""

    @functools.wraps(cluster)
    def checking(self: 'Clusterer', embeddings: Tensor | np.ndarray, *grid: tuple[int, int]) -> Tensor:
        points = as_points(embeddings)
        _require_grid(points, *grid)
        # Autocast would take matrix products to 8 or 11 bits.
        with torch.no_grad(), torch.autocast(points.device.type, enabled=False):
            return cluster(self, points, *grid)

    return checking


def _require_grid(points: Tensor, grid: tuple[int, int] | None = None) -> None:
    if grid is not None and grid[0] * grid[1] != len(points):
        raise ValueError(f'a grid of {grid[0]} x {grid[1]} does not hold {len(points)} embeddings')


class Clusterer(ABC):
    """Clusters the embeddings of ONE image; no clusterer sees a mask, a file name or another image.

    The images of a batch are clustered in several threads: a clusterer keeps nothing of one call for another.

    Args:
        noise (str): What becomes of points without a cluster: ``'nearest'`` gives each to the cluster with the
            nearest centre, ``'pristine'`` and ``'forged'`` call them so. Defaults to ``'nearest'``, which measures
            best (docs/notes/clustering.md).

    Raises:
        ValueError: If ``noise`` is none of the three.
    """

    def __init__(self, noise: str = 'nearest') -> None:
        if noise not in NOISE:
            raise ValueError(f'noise must be one of {NOISE}, got {noise!r}')
        self.noise = noise

    @abstractmethod
    def fit_predict(self, embeddings: Tensor) -> Tensor:
        """Cluster the points.

        :meth:`localise` gives finite float32 without a gradient. The clusterers of this project also take what
        :func:`as_points` takes, through :func:`checked`.

        Args:
            embeddings (Tensor): Finite, unit-length float32 of shape (P, C), P at least 1.

        Returns:
            Tensor: int64 of shape (P,): 0..K-1 the cluster, -1 noise.
        """

    @checked
    def fit_predict_grid(self, embeddings: Tensor, grid: tuple[int, int]) -> Tensor:
        """Cluster the points of a map; for clusterers that use where a point lies, the others need not override it.

        Args:
            embeddings (Tensor): As in :meth:`fit_predict`, the map's rows one after the other.
            grid (tuple[int, int]): Height and width of the map, their product is P.

        Returns:
            Tensor: As in :meth:`fit_predict`.
        """
        return self.fit_predict(embeddings)

    def memberships(self, embeddings: Tensor, grid: tuple[int, int] | None = None) -> tuple[Tensor, Tensor | None]:
        """Cluster the points, and say how surely each belongs to its cluster; only some clusterers know.

        Args:
            embeddings (Tensor): As in :meth:`fit_predict`.
            grid (tuple[int, int], optional): See :meth:`fit_predict_grid`.

        Returns:
            tuple[Tensor, Tensor | None]: The labels of :meth:`fit_predict`, and float32 of shape (P,) in [0, 1], or
            None.
        """
        return self.fit_predict(embeddings) if grid is None else self.fit_predict_grid(embeddings, grid), None

    def localise(self, embeddings: Tensor | np.ndarray, grid: tuple[int, int] | None = None) -> Localisation:
        """Cluster one image and say which points are forged.

        Args:
            embeddings (Tensor | np.ndarray): Unit-length, real numbers of any precision, shape (P, C), P at least 1.
            grid (tuple[int, int], optional): Height and width of the map that the points are, row by row.

        Returns:
            Localisation: On the device of the embeddings.

        Raises:
            TypeError: If the embeddings are no real numbers.
            ValueError: If there is no point, an embedding is not finite, or the grid has another number of points.
        """
        start = time.perf_counter()
        embeddings = as_points(embeddings, torch.float32)
        _require_grid(embeddings, grid)
        # Autocast would take the matrix products below to 8 or 11 bits.
        with torch.autocast(embeddings.device.type, enabled=False):
            labels, probabilities = self.memberships(embeddings, grid)
            found = localise(embeddings, labels, self.noise)
        return replace(found, seconds=time.perf_counter() - start, probabilities=probabilities, grid=grid)

    def localise_batch(
        self, batch: Sequence[Tensor | np.ndarray], grids: Sequence[tuple[int, int] | None] | None = None
    ) -> list[Localisation]:
        """:meth:`localise` for the images of a batch: on a processor side by side on torch's threads.

        On an accelerator one after the other, because each keeps it busy and fills the memory that its blocks may take.

        Args:
            batch (Sequence[Tensor | np.ndarray]): One (P_i, C) an image.
            grids (Sequence[tuple[int, int] | None], optional): One an image. Defaults to none.

        Returns:
            list[Localisation]: In the order of the batch.

        Raises:
            ValueError: See :meth:`localise`, and where the batch and the grids differ in length.
        """
        grids = [None] * len(batch) if grids is None else grids
        images = list(zip(batch, grids, strict=True))
        if any(isinstance(embeddings, Tensor) and embeddings.device.type != 'cpu' for embeddings in batch):
            return [self.localise(*image) for image in images]
        return parallel_map(lambda image: self.localise(*image), images)


def localise(embeddings: Tensor | np.ndarray, labels: Tensor | np.ndarray, noise: str = 'nearest') -> Localisation:
    """The paper's rule (section 3.2): the largest cluster is pristine, every other one forged.

    The soft score of a point compares its distance d0 to the pristine cluster's centre with its distance d1 to the
    nearest forged centre: d0 / (d0 + d1), held on its label's side of 1/2. Where there is only one cluster none is
    forged and the score is d0 / 4, which is at most 1/2 on the unit sphere: the ranking stays, the mask is empty.

    Args:
        embeddings (Tensor | np.ndarray): See :func:`as_points`.
        labels (Tensor | np.ndarray): int64 of shape (P,), below 0 noise.
        noise (str): ``'nearest'``, ``'pristine'`` or ``'forged'``, see :class:`Clusterer`.

    Returns:
        Localisation: If every point is noise, they count as one cluster: nothing is forged. With ``'forged'`` the noise
        beside a single cluster is.

    Raises:
        TypeError: If the embeddings are no real numbers, or the labels no whole ones.
        ValueError: If an embedding is not finite, there are not as many labels, or there is no such ``noise``.
    """
    if noise not in NOISE:
        raise ValueError(f'noise must be one of {NOISE}, got {noise!r}')
    embeddings, labels = as_points(embeddings, torch.float32), torch.as_tensor(labels)
    if labels.is_floating_point() or labels.dtype == torch.bool:
        raise TypeError(f'expected labels of whole numbers, got {labels.dtype}')
    if labels.shape != embeddings.shape[:1]:
        raise ValueError(f'expected a label for each of {len(embeddings)} embeddings, got {tuple(labels.shape)}')
    labels = labels.to(embeddings.device)
    is_noise = labels < 0
    sizes = torch.bincount(labels[~is_noise])
    noise_share = is_noise.float().mean().item()
    num_clusters = int((sizes > 0).sum())
    if not num_clusters:
        labels, is_noise, sizes = torch.zeros_like(labels), torch.zeros_like(is_noise), sizes.new_tensor([len(labels)])
    clusters = sizes.nonzero().flatten()
    # From large to small; of equal ones the first stays first.
    clusters = clusters[sizes[clusters].sort(descending=True, stable=True).indices]
    centres = torch.stack([embeddings[labels == cluster].mean(0) for cluster in clusters])
    # Not by matrix product, which in float32 loses the distances inside a tight cluster.
    distances = torch.cdist(embeddings, centres, compute_mode='donot_use_mm_for_euclid_dist')
    ordered = torch.full_like(sizes, -1)
    ordered[clusters] = torch.arange(len(clusters), device=sizes.device)
    labels = torch.where(is_noise, -1, ordered[labels.clamp(min=0)])

    to_pristine = distances[:, 0]
    if len(clusters) > 1:
        to_forged = distances[:, 1:].min(1).values
        score = to_pristine / (to_pristine + to_forged).clamp(min=1e-12)
        noise_is_forged = score > 0.5 if noise == 'nearest' else torch.full_like(is_noise, noise == 'forged')
    else:
        score = to_pristine / 4
        noise_is_forged = torch.full_like(is_noise, noise == 'forged')
    forged = torch.where(is_noise, noise_is_forged, labels > 0)
    score = torch.where(forged, score.clamp(min=1 - SHORT_OF_HALF), score.clamp(max=SHORT_OF_HALF))
    dispersion = min(1.0, max(0.0, 1 - embeddings.mean(0).norm().item()))
    return Localisation(
        forged,
        score.clamp(0, 1),
        num_clusters,
        noise_share,
        dispersion,
        labels=labels,
        distances=distances,
        centre_distances=(centres - centres[0]).norm(dim=1),
    )
