"""Dice of the forged region, image by image."""

from mmseg.registry import MODELS
from torch import Tensor

from .named_loss import NamedLoss, check_at_least


@MODELS.register_module()
class ForgeryDiceLoss(NamedLoss):
    """One less the Dice of the forged score and the mask, squares in the denominator, averaged over the images.

    ``1 - 2 sum(p t) / (sum(p^2) + sum(t^2) + eps)`` over the pixels of an image that are not ignored. A pristine image
    gives 1 and no gradient.

    Args:
        eps (float): At least 0. Defaults to 1e-5, TruFor's.
        loss_weight (float): Defaults to 1.0.
        loss_name (str): The key in the log; must contain "loss" to be trained on. Defaults to ``'loss_dice'``.

    Raises:
        ValueError: If ``loss_name`` does not contain "loss", or ``eps`` is negative.

    Source:
        V-Net: Milletari et al., 3DV 2016, as TruFor has it: Guillaro et al., CVPR 2023.
    """

    def __init__(self, eps: float = 1e-5, loss_weight: float = 1.0, loss_name: str = 'loss_dice') -> None:
        super().__init__(loss_weight, loss_name)
        check_at_least('eps', eps, 0)
        self.eps = eps

    def forward(self, seg_logits: Tensor, target: Tensor, weight: None = None, ignore_index: int = 255) -> Tensor:
        """The loss of a batch.

        Args:
            seg_logits (Tensor): Pristine and forged, float of shape (N, 2, H, W).
            target (Tensor): Integer of shape (N, H, W): 0 pristine, 1 forged, ``ignore_index`` neither.
            weight (None): mmseg's heads give it; pixels have no weights here.
            ignore_index (int): Defaults to 255.

        Returns:
            Tensor: Scalar in [0, ``loss_weight``].
        """
        counted = (target != ignore_index).flatten(1)
        score = seg_logits.float().softmax(1)[:, 1].flatten(1) * counted
        truth = ((target.flatten(1) == 1) & counted).to(score)
        shared = (score * truth).sum(1)
        whole = score.square().sum(1) + truth.sum(1) + self.eps
        # Where eps is 0 a wholly ignored image would be 0 over 0.
        return self.loss_weight * (1 - 2 * shared / whole.clamp(min=1e-30)).mean()
