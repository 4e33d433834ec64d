"""The gate: how much evidence a point needs before it counts as forged, the same for all images."""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from .base import Localisation
from .registry import TASK_UTILS

# An image score looks at the points of most evidence, this share of them.
TOP = 0.02

# The power of the second factor; docs/clustering.md has what others gave.
SHARPNESS = 3


@TASK_UTILS.register_module()
class EvidenceGate:
    """Decides by a threshold on evidence that is comparable between images, whatever clusterer found the centres.

    With d0 and d1 the distances (1 - cosine) of a point to the pristine centre and to the nearest other one, its
    evidence is ``d0 * (d0 / (d0 + d1))**3``, in [0, 2]: far from what is pristine in this image, and near to something
    else. The first factor says how far the forged area lies from the pristine one, which a partition alone does not:
    halves of a pristine image lie close together. The second one sharpens the border between the clusters. A point is
    forged where its evidence is above the threshold, and its score is ``evidence / (evidence + threshold)``: the
    logit of the score is the logarithm of evidence over threshold, so that another threshold moves all
    logits by the same number, and ranks no two points anew. docs/clustering.md has the figures.

    An image of one cluster has no other centre: a point's evidence is ``d0 / 8`` there, that of a point halfway between
    two centres.

    Args:
        threshold (float): In (0, 2). Defaults to 0.09, at which one network called 5 % of the pixels of CASIA v1's
            originals forged. Each network needs its own: ``tools/calibrate.py`` finds what keeps false alarms at a
            level, on pristine images.

    Raises:
        ValueError: If the threshold is out of its range.

    Example:
        >>> import torch
        >>> from focal_mmseg.clustering import KMeansClusterer
        >>> embeddings = torch.eye(2)[[0, 0, 0, 1]]
        >>> found = EvidenceGate(threshold=0.5)(embeddings, KMeansClusterer().localise(embeddings))
        >>> found.forged.tolist(), round(found.image_score, 3)
        ([False, False, False, True], 0.667)
    """

    def __init__(self, threshold: float = 0.09) -> None:
        if not 0 < threshold < 2:
            raise ValueError(f'threshold must be in (0, 2), got {threshold}')
        self.threshold = threshold

    def __call__(self, embeddings: Tensor, found: Localisation) -> Localisation:
        """Decide anew which points of an image are forged.

        Args:
            embeddings (Tensor): Unit-length float of any precision, shape (P, C), those that were clustered.
            found (Localisation): What the clusterer found.

        Returns:
            Localisation: With ``forged`` and ``score`` by the threshold, and the ``gate_score``: the score that 2 % of
            the points reach.
        """
        evidence = self.evidence(embeddings, found.labels)
        score = evidence / (evidence + self.threshold)
        count = max(1, round(TOP * len(score)))
        return replace(found, forged=score > 0.5, score=score, gate_score=score.topk(count).values[-1].item())

    def evidence(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """How much speaks for each point being forged.

        Args:
            embeddings (Tensor): See :meth:`__call__`.
            labels (Tensor): int64 of shape (P,), as :class:`Localisation` has them.

        Returns:
            Tensor: float32 of shape (P,) in [0, 2].
        """
        embeddings = embeddings.detach().float()
        # Of noise alone, all points are the pristine cluster.
        clusters = max(1, int(labels.max()) + 1)
        groups = [labels == cluster for cluster in range(clusters)] if (labels >= 0).any() else [labels < 0]
        centres = F.normalize(torch.stack([embeddings[each].mean(0) for each in groups]), dim=1)
        # 1 - cosine is half the squared distance of unit vectors; by differences, for the product loses small ones.
        distances = torch.cdist(embeddings, centres, compute_mode='donot_use_mm_for_euclid_dist') ** 2 / 2
        to_pristine = distances[:, 0]
        to_forged = distances[:, 1:].min(1).values if clusters > 1 else to_pristine
        share = to_pristine / (to_pristine + to_forged).clamp(min=1e-12)
        return (to_pristine * share**SHARPNESS).clamp(0, 2)
