"""TruFor's loss of a confidence map: how probable the mask's logits hold the truth to be."""

import torch
from mmseg.registry import MODELS
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from .named_loss import NamedLoss

# Sides of the squares by which a forgery is shrunk and grown: pixels between the two are near its border.
ERODED, DILATED = 15, 11


@MODELS.register_module()
class TrueClassProbabilityLoss(NamedLoss):
    """Mean squared error of the confidence against the probability of the true class, off the forgeries' borders.

    Deep inside a forgery (no pristine pixel within 7) the target is the forged score, far from one (no forged pixel
    within 5) the pristine score; other pixels are left out. Ignored pixels are neither pristine nor forged, as is what
    lies beyond the image.

    Args:
        loss_weight (float): Defaults to 1.0.
        loss_name (str): The key in the log; must contain "loss" to be trained on. Defaults to ``'loss_tcp'``.

    Raises:
        ValueError: If ``loss_name`` does not contain "loss".

    Source:
        True class probability: Corbière et al., NeurIPS 2019, as TruFor has it: Guillaro et al., CVPR 2023.
    """

    def __init__(self, loss_weight: float = 1.0, loss_name: str = 'loss_tcp') -> None:
        super().__init__(loss_weight, loss_name)

    def forward(self, confidence: Tensor, seg_logits: Tensor, target: Tensor, ignore_index: int = 255) -> Tensor:
        """The loss of a batch.

        Args:
            confidence (Tensor): Logits of shape (N, 1, H, W).
            seg_logits (Tensor): Pristine and forged, of shape (N, 2, H, W); no gradient reaches them.
            target (Tensor): Integer of shape (N, H, W): 0 pristine, 1 forged, ``ignore_index`` neither.
            ignore_index (int): Defaults to 255.

        Returns:
            Tensor: Scalar; zero on the graph where no pixel is left.
        """
        inside, outside = interior_masks(target, ignore_index)
        pristine, forged = seg_logits.detach().float().softmax(1).unbind(1)
        wanted = torch.where(inside, forged, pristine)
        counted = inside | outside
        error = (confidence[:, 0].float().sigmoid() - wanted).square() * counted
        return self.loss_weight * error.sum() / counted.sum().clamp(min=1)


def interior_masks(target: Tensor, ignore_index: int = 255) -> tuple[Tensor, Tensor]:
    """Which pixels lie deep inside a forgery, and which far from any.

    Args:
        target (Tensor): Integer of shape (N, H, W): 0 pristine, 1 forged, ``ignore_index`` neither.
        ignore_index (int): Defaults to 255.

    Returns:
        tuple[Tensor, Tensor]: bool of shape (N, H, W) each; ignored pixels are in neither.
    """
    counted = target != ignore_index
    forged, pristine = counted & (target == 1), counted & (target == 0)
    return forged & ~_grown(pristine, ERODED), pristine & ~_grown(forged, DILATED)


def _grown(mask: Tensor, side: int) -> Tensor:
    """The pixels that have one of the mask in the square around them."""
    return F.max_pool2d(mask[:, None].float(), side, 1, side // 2)[:, 0] > 0
