"""The soft contrastive loss of FOCAL's journal version (arXiv 2308.09307 v2, 2025)."""

import math
from typing import Any

import torch
from mmseg.registry import MODELS
from torch import Tensor

from .contrastive_loss import ContrastiveLoss
from .named_loss import check_above, check_at_least


@MODELS.register_module()
class SoftContrastiveLoss(ContrastiveLoss):
    r"""Each class's soft members against its centre and the other's, with weights that may disagree with the mask.

    The weights start as the mask (1 for a pixel's own class) and follow fuzzy c-means: from the centres
    :math:`M_j = \sum_i w_{ij}^\rho F_i / \sum_i w_{ij}^\rho` come the weights
    :math:`w_{ij} = (\sum_k (|F_i - M_j|^2 / |F_i - M_k|^2)^{1 / (\rho - 1)})^{-1}`, until they no longer
    change. They take no gradient; the last centres do. Then, of P embeddings,
    :math:`L_j = -\log \frac{\frac1P \sum_i \exp(M_j \cdot w_{ij} F_i / t)}{\exp(M_0 \cdot M_1 / t)}` and the loss is
    :math:`L_0 + L_1`.

    Args:
        temperature (float): t, above 0. Defaults to 0.1.
        fuzziness (float): rho, above 1. Defaults to 2.0, as in the source.
        max_updates (int): At most so many updates of the weights; 0 keeps the mask. Defaults to 100.
        tolerance (float): The weights have converged when none changes by more, above 0. Defaults to 1e-4.
        loss_name (str): Defaults to 'loss_soft_contrastive'.
        **options: ``scope``, ``max_pixels``, ``loss_weight``, see :class:`ContrastiveLoss`.

    Raises:
        ValueError: If an option is out of its range.
    """

    def __init__(
        self,
        temperature: float = 0.1,
        fuzziness: float = 2.0,
        max_updates: int = 100,
        tolerance: float = 1e-4,
        loss_name: str = 'loss_soft_contrastive',
        **options: Any,
    ) -> None:
        super().__init__(loss_name=loss_name, **options)
        check_above('temperature', temperature)
        check_above('tolerance', tolerance)
        check_above('fuzziness', fuzziness, 1)
        check_at_least('max_updates', max_updates, 0)
        self.temperature = temperature
        self.fuzziness = fuzziness
        self.max_updates = max_updates
        self.tolerance = tolerance

    def image_loss(self, pristine: Tensor, forged: Tensor) -> Tensor | None:
        """See :meth:`ContrastiveLoss.image_loss`."""
        if not (len(pristine) and len(forged)):
            return None
        embeddings = torch.cat([pristine, forged])
        weights = self.soft_weights(embeddings.detach(), len(pristine))
        centres = self._centres(embeddings, weights)
        similarities = weights * (embeddings @ centres.T) / self.temperature
        members = torch.logsumexp(similarities, dim=0) - math.log(len(embeddings))
        between = centres[0] @ centres[1] / self.temperature
        return 2 * between - members.sum()

    @torch.no_grad()
    def soft_weights(self, embeddings: Tensor, pristine: int) -> Tensor:
        """The weights of fuzzy c-means.

        Args:
            embeddings (Tensor): float of shape (P, C).
            pristine (int): The first so many are pristine by the mask, the others forged.

        Returns:
            Tensor: (P, 2), to the pristine and to the forged centre; each row sums to 1.
        """
        weights = embeddings.new_zeros(len(embeddings), 2)
        weights[:pristine, 0] = 1
        weights[pristine:, 1] = 1
        for _ in range(self.max_updates):
            updated = self._weights(embeddings, self._centres(embeddings, weights))
            change = (updated - weights).abs().max()
            weights = updated
            if change <= self.tolerance:
                break
        return weights

    def _centres(self, embeddings: Tensor, weights: Tensor) -> Tensor:
        powers = weights**self.fuzziness
        return powers.T @ embeddings / powers.sum(0)[:, None]

    def _weights(self, embeddings: Tensor, centres: Tensor) -> Tensor:
        """The update from the centres (2, C); of two, a weight is the other centre's share of the powered distances."""
        squared = torch.stack([(embeddings - centre).square().sum(1) for centre in centres], dim=1)
        # Relative to the farther centre: the powers of a fuzziness near 1 neither overflow nor both vanish. An
        # embedding on both centres belongs to each by half.
        farther = squared.amax(1, keepdim=True)
        relative = torch.where(farther > 0, squared / farther, torch.ones_like(squared))
        powered = relative ** (1 / (self.fuzziness - 1))
        return powered.flip(1) / powered.sum(1, keepdim=True)
