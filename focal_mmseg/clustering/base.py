"""What every clusterer shares, and the one rule that turns clusters into pristine and forged."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

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
    """

    forged: Tensor
    score: Tensor
    num_clusters: int
    noise_share: float


class Clusterer(ABC):
    """Clusters the embeddings of ONE image; no clusterer sees a mask, a file name or another image.

    Args:
        noise (str): What becomes of points without a cluster: ``'nearest'`` gives each to the cluster with the
            nearest centre, ``'pristine'`` and ``'forged'`` call them so. Defaults to ``'nearest'``, which measures
            best (docs/clustering.md).

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

        Args:
            embeddings (Tensor): Finite, unit-length float of shape (P, C), P at least 1.

        Returns:
            Tensor: int64 of shape (P,): 0..K-1 the cluster, -1 noise.
        """

    def localise(self, embeddings: Tensor) -> Localisation:
        """Cluster one image and say which points are forged.

        Args:
            embeddings (Tensor): Unit-length float of any precision, shape (P, C), P at least 1.

        Returns:
            Localisation: On the device of the embeddings.

        Raises:
            ValueError: If there is no point, or an embedding is not finite.
        """
        if embeddings.ndim != 2 or not len(embeddings):
            raise ValueError(f'expected embeddings (P, C) with at least one point, got {tuple(embeddings.shape)}')
        embeddings = embeddings.detach().float()
        if not embeddings.isfinite().all():
            raise ValueError('the embeddings hold NaN or infinity: did the training diverge?')
        return localise(embeddings, self.fit_predict(embeddings), self.noise)


def localise(embeddings: Tensor, labels: Tensor, noise: str = 'nearest') -> Localisation:
    """The paper's rule (section 3.2): the largest cluster is pristine, every other one forged.

    The soft score of a point compares its distance d0 to the pristine cluster's centre with its distance d1 to the
    nearest forged centre: d0 / (d0 + d1), held on its label's side of 1/2. Where there is only one cluster nothing
    is forged and the score is d0 / 4, which is at most 1/2 on the unit sphere: the ranking stays, the mask is empty.

    Args:
        embeddings (Tensor): float32 of shape (P, C).
        labels (Tensor): int64 of shape (P,), -1 noise.
        noise (str): ``'nearest'``, ``'pristine'`` or ``'forged'``, see :class:`Clusterer`.

    Returns:
        Localisation: If every point is noise, they count as one cluster: nothing is forged.
    """
    is_noise = labels < 0
    sizes = torch.bincount(labels[~is_noise])
    noise_share = is_noise.float().mean().item()
    num_clusters = int((sizes > 0).sum())
    if not num_clusters:
        labels, is_noise, sizes = torch.zeros_like(labels), torch.zeros_like(is_noise), sizes.new_tensor([len(labels)])
    clusters = sizes.nonzero().flatten()
    centres = torch.stack([embeddings[labels == cluster].mean(0) for cluster in clusters])
    # Not by matrix product, which in float32 loses the distances inside a tight cluster.
    distances = torch.cdist(embeddings, centres, compute_mode='donot_use_mm_for_euclid_dist')
    pristine = int(sizes[clusters].argmax())

    to_pristine = distances[:, pristine].clone()
    distances[:, pristine] = float('inf')
    if len(clusters) > 1:
        to_forged = distances.min(1).values
        score = to_pristine / (to_pristine + to_forged).clamp(min=1e-12)
        noise_is_forged = score > 0.5 if noise == 'nearest' else torch.full_like(is_noise, noise == 'forged')
    else:
        score = to_pristine / 4
        noise_is_forged = torch.full_like(is_noise, noise == 'forged')
    forged = torch.where(is_noise, noise_is_forged, labels != clusters[pristine])
    score = torch.where(forged, score.clamp(min=1 - SHORT_OF_HALF), score.clamp(max=SHORT_OF_HALF))
    return Localisation(forged, score.clamp(0, 1), num_clusters, noise_share)
