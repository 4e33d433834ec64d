"""TruFor's detector: is the image as a whole forged?"""

import torch
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from mmseg.utils import ConfigType
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


@MODELS.register_module()
class TruForDetector(BaseModule):
    """Pools the confidence, and the mask's logits where the confidence is high, to eight numbers, and classifies them.

    Args:
        hidden (int): Width inside. Defaults to 128.
        dropout_ratio (float): Defaults to 0.5.
        loss_decode (dict): Defaults to ``dict(type='ForgedImageLoss')``.
        init_cfg (dict, optional): Defaults to Kaiming's.

    Source:
        TruFor: Guillaro et al., CVPR 2023.
    """

    def __init__(
        self,
        hidden: int = 128,
        dropout_ratio: float = 0.5,
        loss_decode: ConfigType = dict(type='ForgedImageLoss'),
        init_cfg: ConfigType | None = dict(type='Kaiming', layer='Linear'),
    ) -> None:
        super().__init__(init_cfg)
        self.layers = nn.Sequential(
            nn.Linear(8, hidden), nn.ReLU(inplace=True), nn.Dropout(dropout_ratio), nn.Linear(hidden, 1)
        )
        self.loss_decode = MODELS.build(loss_decode)

    def forward(self, seg_logits: Tensor, confidence: Tensor) -> Tensor:
        """Judge images as a whole.

        Args:
            seg_logits (Tensor): Pristine and forged, of shape (N, 2, H, W), at the images' size.
            confidence (Tensor): Logits of shape (N, 1, H, W).

        Returns:
            Tensor: float32 logits of shape (N,); above 0 is forged.
        """
        # Sums over all pixels, and exponents: half precision would lose them.
        with torch.autocast(seg_logits.device.type, enabled=False):
            confidence = confidence.float().flatten(1)
            pristine, forged = seg_logits.float().flatten(2).unbind(1)
            features = [
                *weighted_pool(confidence, torch.zeros_like(confidence)),
                *weighted_pool(forged - pristine, F.logsigmoid(confidence)),
            ]
            return self.layers(torch.stack(features, 1)).squeeze(1)


def weighted_pool(values: Tensor, log_weights: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Soft minimum, soft maximum, mean and mean square of each row.

    Args:
        values (Tensor): Of shape (N, P).
        log_weights (Tensor): Of the same shape; only their differences in a row count.

    Returns:
        tuple[Tensor, Tensor, Tensor, Tensor]: Each of shape (N,).
    """
    log_weights = log_weights.log_softmax(1)
    weights = log_weights.exp()
    return (
        -(log_weights - values).logsumexp(1),
        (log_weights + values).logsumexp(1),
        (weights * values).sum(1),
        (weights * values.square()).sum(1),
    )
