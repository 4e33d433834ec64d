"""What FOCAL's loss does not say of a pristine image."""

from typing import Any

import torch
from mmseg.registry import MODELS
from torch import Tensor

from .contrastive_loss import ContrastiveLoss


@MODELS.register_module()
class PristineLoss(ContrastiveLoss):
    r"""Pulls the embeddings of a pristine image together; images with a forged pixel count as zero.

    A contrastive loss has nothing to compare in an image without a forged pixel, so nothing keeps its embeddings from
    falling into groups, which clustering then takes for forged. The loss is :math:`1 - |\bar f|`, one less the length
    of the mean of the unit-length embeddings: 0 where all are the same, 1 where they cancel out. Used beside a
    contrastive loss, which keeps the embeddings of forged images apart. Our own, no loss of the paper.

    Args:
        loss_name (str): Defaults to 'loss_pristine'.
        **options: See :class:`ContrastiveLoss`; ``scope`` must stay ``'image'``.

    Raises:
        ValueError: If an option is out of its range.
    """

    def __init__(self, loss_name: str = 'loss_pristine', **options: Any) -> None:
        super().__init__(loss_name=loss_name, **options)
        if self.scope != 'image':
            raise ValueError("PristineLoss looks at one image: scope must be 'image'")

    def image_loss(self, pristine: Tensor, forged: Tensor) -> Tensor | None:
        """See :meth:`ContrastiveLoss.image_loss`."""
        if len(forged) or not len(pristine):
            return None
        # Not norm(), whose gradient at 0 is not finite.
        mean = pristine.mean(0)
        return 1 - torch.sqrt(mean.square().sum() + torch.finfo(mean.dtype).eps)
