"""The localisation head of MVSS-Net: dual attention on both extractors' last maps."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
from mmseg.models.decode_heads import DAHead
from mmseg.registry import MODELS
from mmseg.utils import ConfigType, SampleList
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.models.log_scores import log_scores, logit_to_log_scores

WHITE = 255


@MODELS.register_module()
class MVSSHead(DAHead):
    """mmseg's dual attention head with one score a pixel, and the score of the image: the highest of its pixels.

    Args:
        stride (int): Of the maps; the logit is enlarged by it, bilinearly with aligned corners. Defaults to 16.
        eight_bit (bool): Whether scores are cut to steps of 1/255 before they are brought to the image's size, as in
            the released code. Defaults to True.
        image_loss (dict, optional): Config of a loss of the images' highest logits. Defaults to None.
        dropout_ratio (float): Of single values, where mmseg drops whole channels. Defaults to 0.1.
        **options: Of mmseg's ``DAHead``. Losses of ``loss_decode`` are of the forged images alone.

    Source:
        Chen, Dong, Ji, Cao, Li, ICCV 2021; Fu et al., Dual Attention Network, CVPR 2019.
    """

    def __init__(
        self,
        *,
        stride: int = 16,
        eight_bit: bool = True,
        image_loss: ConfigType | None = None,
        dropout_ratio: float = 0.1,
        **options: Any,
    ) -> None:
        super().__init__(num_classes=2, out_channels=2, dropout_ratio=dropout_ratio, init_cfg=None, **options)
        del self.pam_conv_seg, self.cam_conv_seg
        self.conv_seg = nn.Conv2d(self.channels, 1, 1)
        self.dropout = nn.Dropout(dropout_ratio)
        self.stride = stride
        self.eight_bit = eight_bit
        self.image_loss = None if image_loss is None else MODELS.build(image_loss)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Score each pixel.

        Args:
            inputs (Sequence[Tensor]): The backbone's maps.

        Returns:
            Tensor: Of shape (N, 2, stride h, stride w): 0 and the logit of the forged score.
        """
        features = self._transform_inputs(inputs)
        by_place = self.pam_out_conv(self.pam(self.pam_in_conv(features)))
        by_channel = self.cam_out_conv(self.cam(self.cam_in_conv(features)))
        logit = self.cls_seg(by_place + by_channel)
        logit = F.interpolate(logit, scale_factor=self.stride, mode='bilinear', align_corners=True)
        return logit_to_log_scores(logit)

    def loss_by_feat(self, seg_logits: Tensor, batch_data_samples: SampleList) -> dict[str, Tensor]:
        """The losses of the forged images' pixels, and that of all images.

        Args:
            seg_logits (Tensor): From :meth:`forward`.
            batch_data_samples (list[SegDataSample]): With ``gt_sem_seg`` (1, H, W) of the same size.

        Returns:
            dict[str, Tensor]: A scalar for each loss name.
        """
        target = self._stack_batch_gt(batch_data_samples).squeeze(1)
        losses = forged_image_losses(self.loss_decode, seg_logits, target, target, self.ignore_index)
        if self.image_loss is not None:
            logits = seg_logits[:, 1].masked_fill(target == self.ignore_index, -torch.inf).flatten(1).amax(1)
            seen = logits.isfinite()
            # The sum of nothing keeps the graph where no image has a pixel that counts.
            value = self.image_loss(logits[seen], target[seen]) if seen.any() else seg_logits.sum() * 0
            losses[self.image_loss.loss_name] = value
        return losses

    def predict(self, inputs: Sequence[Tensor], batch_img_metas: list[dict], test_cfg: ConfigType) -> Tensor:
        """See :meth:`predict_by_feat`."""
        return self.predict_by_feat(self.forward(inputs), batch_img_metas)

    def predict_with_image_score(
        self, inputs: Sequence[Tensor], batch_img_metas: list[dict], test_cfg: ConfigType
    ) -> tuple[Tensor, float]:
        """What :meth:`predict` gives of one image, and the highest score of its pixels, in [0, 1]."""
        logits = self.predict(inputs, batch_img_metas, test_cfg)
        return logits, logits.softmax(1)[:, 1].max().item()

    def predict_by_feat(self, seg_logits: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Bring the scores, not the logits, to the images' own size.

        Args:
            seg_logits (Tensor): From :meth:`forward`.
            batch_img_metas (list[dict]): One an image, all of one ``ori_shape``.

        Returns:
            Tensor: Of shape (N, 2, H, W): the logarithms of the scores for pristine and forged.
        """
        size = tuple(batch_img_metas[0]['ori_shape'][:2])
        scores = seg_logits.float().softmax(1)[:, 1:]
        if self.eight_bit:
            scores = torch.stack([_through_eight_bits(each[0], size) for each in scores])[:, None].to(scores)
        else:
            scores = F.interpolate(scores, size=size, mode='bilinear', align_corners=False)
        return log_scores(scores)


def forged_image_losses(
    losses: nn.Module, logits: Tensor, target: Tensor, masks: Tensor, ignore_index: int
) -> dict[str, Tensor]:
    """The losses of the images that have a forged pixel.

    Args:
        losses (nn.Module): One, or a ``ModuleList``.
        logits (Tensor): Of shape (N, 2, h, w).
        target (Tensor): Of shape (N, h, w).
        masks (Tensor): Integer of any sizes (N, ...), 1 where forged.
        ignore_index (int): Label of the pixels of ``target`` that do not count.

    Returns:
        dict[str, Tensor]: A scalar for each loss name; 0 with a graph where no image is forged.
    """
    is_forged = (masks == 1).flatten(1).any(1)
    found: dict[str, Tensor] = {}
    for loss in losses if isinstance(losses, nn.ModuleList) else [losses]:
        value = logits.sum() * 0
        if is_forged.any():
            value = loss(logits[is_forged], target[is_forged], ignore_index=ignore_index)
        name = str(loss.loss_name)
        found[name] = found[name] + value if name in found else value
    return found


def _through_eight_bits(scores: Tensor, size: tuple[int, int]) -> Tensor:
    """Scores (h, w) cut to 8 bits, resized there as OpenCV does, as float32 of the size."""
    levels = (scores.detach().cpu().numpy() * WHITE).astype(np.uint8)
    return torch.from_numpy(cv2.resize(levels, size[::-1], interpolation=cv2.INTER_LINEAR).astype(np.float32) / WHITE)
