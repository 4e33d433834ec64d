"""The loss of a detector: is the image as a whole forged?"""

import torch
from mmseg.registry import MODELS
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from .named_loss import NamedLoss, check_at_least


@MODELS.register_module()
class ForgedImageLoss(NamedLoss):
    """Binary cross-entropy of images; forged and pristine ones weigh by their shares in the training.

    Args:
        least_pixels (int): An image is forged if it has at least so many forged pixels. Defaults to 4, TruFor's.
        forged_share (float): Share of forged images in the training, in (0, 1). A forged image weighs .5 over it, a
            pristine one .5 over the rest. Defaults to 0.7, TruFor's.
        loss_weight (float): Defaults to 1.0.
        loss_name (str): The key in the log; must contain "loss" to be trained on. Defaults to ``'loss_image'``.

    Raises:
        ValueError: If an option is out of its range.

    Source:
        TruFor: Guillaro et al., CVPR 2023.
    """

    def __init__(
        self,
        least_pixels: int = 4,
        forged_share: float = 0.7,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_image',
    ) -> None:
        super().__init__(loss_weight, loss_name)
        check_at_least('least_pixels', least_pixels, 1)
        if not 0 < forged_share < 1:
            raise ValueError(f'forged_share must be above 0 and below 1, got {forged_share}')
        self.least_pixels = least_pixels
        self.forged_share = forged_share

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss of a batch.

        Args:
            logits (Tensor): Of shape (N,); above 0 is forged.
            target (Tensor): Masks, integer of shape (N, H, W), where 1 is forged.

        Returns:
            Tensor: Scalar.
        """
        is_forged = (target == 1).flatten(1).sum(1) >= self.least_pixels
        weight = torch.where(is_forged, 0.5 / self.forged_share, 0.5 / (1 - self.forged_share))
        return self.loss_weight * F.binary_cross_entropy_with_logits(logits, is_forged.to(logits), weight.to(logits))
