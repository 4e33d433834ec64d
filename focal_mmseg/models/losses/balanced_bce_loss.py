"""PSCC-Net's loss of a mask: pristine and forged pixels of a batch weigh the same."""

import torch
from mmseg.registry import MODELS
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from .named_loss import NamedLoss


@MODELS.register_module()
class BalancedBCELoss(NamedLoss):
    """Binary cross-entropy whose pixels weigh one half over the share of their class in the batch.

    So each class has half of the weight, whatever its area. In a batch without a forged pixel all weigh 1.

    Args:
        loss_weight (float): Defaults to 1.0.
        loss_name (str): The key in the log; must contain "loss" to be trained on. Defaults to ``'loss_mask'``.

    Raises:
        ValueError: If ``loss_name`` does not contain "loss".

    Source:
        PSCC-Net: Liu et al., TCSVT 2022.
    """

    def __init__(self, loss_weight: float = 1.0, loss_name: str = 'loss_mask') -> None:
        super().__init__(loss_weight, loss_name)

    def forward(self, logits: Tensor, target: Tensor, ignore_index: int = 255) -> Tensor:
        """The loss of a batch.

        Args:
            logits (Tensor): Float of shape (N, h, w); their sigmoid is the forged score.
            target (Tensor): Integer of shape (N, h, w): 0 pristine, 1 forged, ``ignore_index`` neither.
            ignore_index (int): Defaults to 255.

        Returns:
            Tensor: Scalar; zero on the graph where every pixel is ignored.
        """
        counted = target != ignore_index
        forged = counted & (target == 1)
        share = forged.sum() / counted.sum().clamp(min=1)
        # Where a class is missing its weight reaches no pixel; it must only be finite.
        of_forged, of_pristine = (0.5 / each.clamp(min=torch.finfo(share.dtype).tiny) for each in (share, 1 - share))
        weight = torch.where(forged, of_forged, of_pristine)
        weight = torch.where(share > 0, weight, torch.ones_like(weight)) * counted
        cost = F.binary_cross_entropy_with_logits(logits, forged.to(logits), reduction='none')
        return self.loss_weight * (weight * cost).sum() / counted.sum().clamp(min=1)
