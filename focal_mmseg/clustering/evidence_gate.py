"""The gate: how much evidence a point needs before it counts as forged, the same for all images."""

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from .base import Localisation
from .registry import TASK_UTILS

# The power of the second factor; docs/notes/clustering.md has what others gave.
SHARPNESS = 3

# Where the distance to the pristine centre varies by less than this share of its variance in the image, all of a window
# of 3x3 points is smoothed alike.
SOFTNESS = 0.1

# The image score looks at the points farthest from the pristine centre, this share of them.
TOP = 0.02


@TASK_UTILS.register_module()
class EvidenceGate:
    """Decides by a threshold on evidence that is comparable between images, whatever clusterer found the centres.

    With d0 and d1 the distances (1 - cosine) of a point to the pristine centre and to the nearest other one, its
    evidence is ``d0 * (d0 / (d0 + d1))**3``, in [0, 2]: far from what is pristine in this image, and near to something
    else. The first factor says how far the forged area lies from the pristine one, which a partition alone does not:
    halves of a pristine image lie close together. The second one sharpens the border between the clusters. A point is
    forged where its evidence is above the threshold, and its score is ``evidence / (evidence + threshold)``: the
    logit of the score is the logarithm of evidence over threshold, so that another threshold moves all
    logits by the same number, and ranks no two points anew. docs/notes/clustering.md has the figures.

    With ``bimodality`` the evidence is multiplied by that power of how much it falls into two groups in the image
    (:func:`bimodality_coefficient`): many points that stray a little are no forged area.

    With ``reach`` above 1 a point needs less evidence where it hangs together with one that has enough (hysteresis;
    Canny, 1986): it is forged above ``threshold / reach`` if a way of such points, side by side or corner to corner,
    leads to one above ``threshold``. :func:`connected_evidence` does so for every threshold at once, so that all that
    is said of the score holds as without it.

    With ``smoothing`` the evidence is mixed with what a guided filter (He, Sun and Tang, 2013) makes of it
    (:func:`guided`): specks fade, and borders stay where the distance to the pristine centre has them. With
    ``separation`` it is multiplied by that power of how far the two centres lie apart. Both help at levels of false
    alarms of 2 % and below, and cost above 5 %: docs/notes/clustering.md has the figures.

    The gate also scores the image as a whole, see :meth:`image_score`.

    An image of one cluster has no other centre: a point's evidence is ``d0 / 8`` there, that of a point halfway between
    two centres.

    Args:
        threshold (float): In (0, 2). Defaults to 0.09, at which one network called 5 % of the pixels of CASIA v1's
            originals forged. Each network needs its own: ``tools/calibrate.py`` finds what keeps false alarms at a
            level, on pristine images.
        reach (float): At least 1, which judges each point by itself; above, the gate needs the grid of the map.
            Defaults to 1.
        bimodality (float): Finite, at least 0, which leaves the evidence as it is. Another value of this or of any
            other option needs another threshold. Defaults to 0.
        smoothing (float): Share of the smoothed evidence, in [0, 1]; above 0 the gate needs the grid of the map.
            Defaults to 0.
        separation (float): Finite, at least 0, which leaves the evidence as it is. Defaults to 0.

    Raises:
        ValueError: If an option is out of its range.

    Example:
        >>> import torch
        >>> from focal_mmseg.clustering import KMeansClusterer
        >>> embeddings = torch.eye(2)[[0, 0, 0, 1]]
        >>> found = EvidenceGate(threshold=0.5)(embeddings, KMeansClusterer().localise(embeddings))
        >>> found.forged.tolist()
        [False, False, False, True]
    """

    def __init__(
        self,
        threshold: float = 0.09,
        reach: float = 1.0,
        bimodality: float = 0.0,
        smoothing: float = 0.0,
        separation: float = 0.0,
    ) -> None:
        if not 0 < threshold < 2:
            raise ValueError(f'threshold must be in (0, 2), got {threshold}')
        if not 1 <= reach < float('inf'):
            raise ValueError(f'reach must be finite and at least 1, got {reach}')
        if not 0 <= bimodality < float('inf'):
            raise ValueError(f'bimodality must be finite and at least 0, got {bimodality}')
        if not 0 <= smoothing <= 1:
            raise ValueError(f'smoothing must be in [0, 1], got {smoothing}')
        if not 0 <= separation < float('inf'):
            raise ValueError(f'separation must be finite and at least 0, got {separation}')
        self.threshold = threshold
        self.reach = reach
        self.bimodality = bimodality
        self.smoothing = smoothing
        self.separation = separation

    def __call__(self, embeddings: Tensor, found: Localisation) -> Localisation:
        """Decide anew which points of an image are forged.

        Args:
            embeddings (Tensor): Unit-length float of any precision, shape (P, C), those that were clustered.
            found (Localisation): What the clusterer found.

        Returns:
            Localisation: With ``forged`` and ``score`` by the threshold, and the ``gate_score`` of :meth:`image_score`.

        Raises:
            ValueError: See :meth:`evidence`.
        """
        distances = _distances(embeddings, found.labels)
        evidence = self._weighed(distances, found.grid)
        score = evidence / (evidence + self.threshold)
        return replace(found, forged=score > 0.5, score=score, gate_score=_image_score(distances))

    def evidence(self, embeddings: Tensor, labels: Tensor, grid: tuple[int, int] | None = None) -> Tensor:
        """How much speaks for each point being forged.

        Args:
            embeddings (Tensor): See :meth:`__call__`.
            labels (Tensor): int64 of shape (P,), as :class:`Localisation` has them.
            grid (tuple[int, int], optional): Height and width of the map that the points are, row by row.

        Returns:
            Tensor: float32 of shape (P,) in [0, 2].

        Raises:
            ValueError: If ``reach`` is above 1, or ``smoothing`` above 0, and there is no grid.
        """
        return self._weighed(_distances(embeddings, labels), grid)

    def image_score(self, embeddings: Tensor, labels: Tensor) -> float:
        """How surely something in the image is forged: it ranks images, and no option of the gate changes it.

        That is the product of two numbers: how much the evidence of the points falls into two groups (Sarle's
        coefficient of bimodality, which asks for no scale), and the fourth root of how far the farthest 2 % of the
        points lie from the pristine centre in the mean, as a share of the diameter. A calibration says above which
        score an image counts as forged (``tools/calibrate.py``).

        Args:
            embeddings (Tensor): See :meth:`__call__`.
            labels (Tensor): See :meth:`evidence`.

        Returns:
            float: In [0, 1]; 0 of an image whose points are equal.
        """
        return _image_score(_distances(embeddings, labels))

    def _weighed(self, distances: '_Distances', grid: tuple[int, int] | None) -> Tensor:
        """Evidence (P,) with the gate's options."""
        evidence = _evidence(distances)
        if self.smoothing:
            plane, guide = (each.view(_known(grid)) for each in (evidence, distances.to_pristine))
            evidence = (1 - self.smoothing) * evidence + self.smoothing * guided(plane, guide).flatten().clamp(0, 2)
        if self.bimodality:
            evidence = evidence * bimodality_coefficient(evidence) ** self.bimodality
        if self.separation:
            evidence = evidence * (distances.between / 2).clamp(0, 1) ** self.separation
        return evidence if self.reach == 1 else connected_evidence(evidence.view(_known(grid)), self.reach).flatten()


def _known(grid: tuple[int, int] | None) -> tuple[int, int]:
    """The grid of a map, for options that look at neighbours."""
    if grid is None:
        raise ValueError(
            'a gate with reach above 1, or with smoothing, needs the grid of the map: localise(embeddings, grid)'
        )
    return grid


class _Distances(NamedTuple):
    """Of each point, float32 of shape (P,) each.

    Attributes:
        to_pristine (Tensor): 1 - cosine to the pristine centre.
        to_forged (Tensor): 1 - cosine to the nearest other one; of one cluster alone, the former.
        between (Tensor): Half the squared distance of the mean of that other cluster from the pristine mean, in [0, 2];
            of one cluster alone, the largest ``to_pristine``.
    """

    to_pristine: Tensor
    to_forged: Tensor
    between: Tensor


def _distances(embeddings: Tensor, labels: Tensor) -> _Distances:
    embeddings = embeddings.detach().float()
    # Of noise alone, all points are the pristine cluster.
    clusters = max(1, int(labels.max()) + 1)
    groups = [labels == cluster for cluster in range(clusters)] if (labels >= 0).any() else [labels < 0]
    means = torch.stack([embeddings[each].mean(0) for each in groups])
    # 1 - cosine is half the squared distance of unit vectors; by differences, for the product loses small ones.
    mode = 'donot_use_mm_for_euclid_dist'
    distances = torch.cdist(embeddings, F.normalize(means, dim=1), compute_mode=mode) ** 2 / 2
    to_pristine = distances[:, 0]
    if clusters == 1:
        return _Distances(to_pristine, to_pristine, to_pristine.max().expand_as(to_pristine))
    to_forged, nearest = distances[:, 1:].min(1)
    between = (means[1:] - means[0]).square().sum(1) / 2
    return _Distances(to_pristine, to_forged, between[nearest])


def _evidence(distances: _Distances) -> Tensor:
    """In [0, 2], of each point by itself."""
    to_pristine, to_forged, _ = distances
    share = to_pristine / (to_pristine + to_forged).clamp(min=1e-12)
    return (to_pristine * share**SHARPNESS).clamp(0, 2)


def _image_score(distances: _Distances) -> float:
    """See :meth:`EvidenceGate.image_score`."""
    count = max(1, round(TOP * len(distances.to_pristine)))
    farthest = distances.to_pristine.topk(count).values.mean().item() / 2
    return bimodality_coefficient(_evidence(distances)) * min(1.0, max(0.0, farthest)) ** 0.25


def guided(plane: Tensor, guide: Tensor) -> Tensor:
    """The guided filter of 3x3 points (He, Sun and Tang, 2013): in each window an affine function of the guide.

    Beyond its border a map goes on as it ends.

    Args:
        plane (Tensor): float of shape (h, w), what is smoothed.
        guide (Tensor): float of shape (h, w), whose edges are kept.

    Returns:
        Tensor: Of shape (h, w); it can be a little outside the range of ``plane``.
    """

    def mean(values: Tensor) -> Tensor:
        return F.avg_pool2d(F.pad(values[None, None], (1, 1, 1, 1), mode='replicate'), 3, 1)[0, 0]

    centre = mean(guide)
    variance = mean(guide * guide) - centre**2
    slope = (mean(plane * guide) - mean(plane) * centre) / (variance + SOFTNESS * guide.var(correction=0) + 1e-12)
    return mean(slope) * guide + mean(mean(plane) - slope * centre)


def bimodality_coefficient(values: Tensor) -> float:
    """Sarle's coefficient: (squared skewness + 1) / kurtosis.

    Args:
        values (Tensor): float of shape (P,).

    Returns:
        float: In [0, 1]: 1 of two values, 5/9 of evenly spread ones, 1/3 of a Gaussian; 0 of equal ones.
    """
    centred = values.double() - values.double().mean()
    variance = (centred**2).mean()
    # Differences that are rounding are none.
    if variance <= 1e-14:
        return 0.0
    skewness = (centred**3).mean() / variance**1.5
    return min(1.0, ((skewness**2 + 1) / ((centred**4).mean() / variance**2)).item())


def connected_evidence(evidence: Tensor, reach: float) -> Tensor:
    """Hysteresis for every threshold at once: the morphological reconstruction of a map under ``reach`` times itself.

    Args:
        evidence (Tensor): float of shape (h, w), at least 0.
        reach (float): At least 1.

    Returns:
        Tensor: Of shape (h, w): above T exactly where the evidence is above ``T / reach`` and 8-connected, through such
        points, with evidence above T.
    """
    most, found = reach * evidence, evidence
    while True:
        grown = torch.minimum(F.max_pool2d(found[None, None], 3, 1, 1)[0, 0], most)
        if torch.equal(grown, found):
            return found
        found = grown
