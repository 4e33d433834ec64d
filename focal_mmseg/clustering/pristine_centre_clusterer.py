"""Two clusters grown from a robust pristine centre, in linear time."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from .base import Clusterer, checked
from .registry import TASK_UTILS


@TASK_UTILS.register_module()
class PristineCentreClusterer(Clusterer):
    """Starts spherical K-means where FOCAL's loss puts the pristine points, and stops it early.

    The loss pulls the pristine points of an image to one direction, and they are most of it. So that direction is
    found first, as a mean of the nearest points (the concentration step of Rousseeuw and Van Driessen's FAST-MCD, with
    the cosine and without a covariance), which a forged area cannot drag along. The forged centre starts as the mean of
    the farthest points; a few rounds of spherical K-means (Dhillon and Modha, 2001) follow. More rounds walk away
    from the forgery, to a split of the pristine points into halves: docs/notes/clustering.md has the figures.

    There are always two clusters, a pristine image too: use it with a gate, as :class:`EvidenceGate`.

    Args:
        keep (float): Share of the points that the pristine centre is the mean of, in (0.5, 1]. Defaults to 0.7.
        rounds (int): How often the nearest points are chosen anew; 0 takes the mean of all. Defaults to 5.
        seeds (float): Share of the points, the farthest, that the forged centre starts from, in (0, 0.5]; at least
            three of them are taken. Defaults to 0.02.
        iterations (int): Rounds of K-means, at least 1. Defaults to 2.

    Raises:
        ValueError: If an option is out of its range.
    """

    def __init__(self, keep: float = 0.7, rounds: int = 5, seeds: float = 0.02, iterations: int = 2) -> None:
        super().__init__()
        if not 0.5 < keep <= 1:
            raise ValueError(f'keep must be in (0.5, 1], got {keep}')
        if not 0 < seeds <= 0.5:
            raise ValueError(f'seeds must be in (0, 0.5], got {seeds}')
        if rounds < 0 or iterations < 1:
            raise ValueError(f'rounds must be at least 0 and iterations at least 1, got {rounds} and {iterations}')
        self.keep = keep
        self.rounds = rounds
        self.seeds = seeds
        self.iterations = iterations

    def pristine_centre(self, embeddings: Tensor) -> Tensor:
        """The direction (C,) that most points have.

        Args:
            embeddings (Tensor): See :meth:`fit_predict`.
        """
        centre = _direction(embeddings)
        for _ in range(self.rounds):
            nearest = (embeddings @ centre).topk(math.ceil(self.keep * len(embeddings))).indices
            centre = _direction(embeddings[nearest])
        return centre

    @checked
    def fit_predict(self, embeddings: Tensor) -> Tensor:
        """See :meth:`Clusterer.fit_predict`; fewer than three points, or equal ones, are one cluster."""
        forged = torch.zeros(len(embeddings), dtype=torch.bool, device=embeddings.device)
        if len(embeddings) < 3 or (embeddings == embeddings[0]).all():
            return forged.long()
        pristine = self.pristine_centre(embeddings)
        farthest = (embeddings @ pristine).topk(max(3, int(self.seeds * len(embeddings))), largest=False).indices
        suspect = _direction(embeddings[farthest])
        for number in range(self.iterations):
            nearer = embeddings @ (suspect - pristine) > 0
            if not nearer.any() or nearer.all():
                break
            forged = nearer
            if number < self.iterations - 1:
                suspect, pristine = _direction(embeddings[forged]), _direction(embeddings[~forged])
        return forged.long()


def _direction(embeddings: Tensor) -> Tensor:
    """The mean of unit vectors (P, C), brought to unit length."""
    return F.normalize(embeddings.mean(0), dim=0)
