"""CAT-Net's head: a last HRNet stage over both streams, and a classifier at 1/4."""

from collections.abc import Sequence
from typing import Any

import torch
from mmseg.models.backbones.resnet import BasicBlock
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.models.backbones.exact_size_hrnet import ExactSizeHRModule


@MODELS.register_module()
class CATNetHead(BaseDecodeHead):
    """Narrows four maps, lets them exchange, and classifies them together; the loss is mmseg's, by config.

    Args:
        in_channels (Sequence[int]): Of the four maps, finest first.
        widths (Sequence[int]): Of the stage's branches. Defaults to (24, 48, 96, 192).
        blocks (int): Residual blocks of each branch. Defaults to 4.
        momentum (float): Of the batch norms. Defaults to 0.01.
        **options: Of mmseg's ``BaseDecodeHead``, as ``loss_decode`` and ``ignore_index``.

    Source:
        CAT-Net v1: Kwon et al., WACV 2021; v2: Kwon et al., IJCV 2022.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        widths: Sequence[int] = (24, 48, 96, 192),
        blocks: int = 4,
        momentum: float = 0.01,
        **options: Any,
    ) -> None:
        super().__init__(
            in_channels,
            sum(widths),
            num_classes=2,
            out_channels=2,
            dropout_ratio=0,
            in_index=tuple(range(len(in_channels))),
            input_transform='multiple_select',
            norm_cfg=dict(type='BN', momentum=momentum),
            **options,
        )
        self.transition4 = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(channels, width, 3, padding=1, bias=False),
                nn.BatchNorm2d(width, momentum=momentum),
                nn.ReLU(inplace=True),
            )
            for channels, width in zip(in_channels, widths, strict=True)
        )
        branches = len(widths)
        self.stage5 = nn.Sequential(
            ExactSizeHRModule(
                branches, BasicBlock, (blocks,) * branches, list(widths), tuple(widths), norm_cfg=self.norm_cfg
            )
        )
        self.last_layer = nn.Sequential(
            nn.Conv2d(self.channels, self.channels, 1),
            nn.BatchNorm2d(self.channels, momentum=momentum),
            nn.ReLU(inplace=True),
        )

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Classify.

        Args:
            inputs (Sequence[Tensor]): The backbone's maps, each (N, C_i, h_i, w_i).

        Returns:
            Tensor: Logits of shape (N, 2, h_0, w_0), pristine and forged, at a quarter of the image's sides.
        """
        levels = self._transform_inputs(inputs)
        maps = self.stage5([narrow(each) for narrow, each in zip(self.transition4, levels, strict=True)])
        maps = [
            F.interpolate(each, maps[0].shape[2:], mode='bilinear', align_corners=self.align_corners) for each in maps
        ]
        return self.cls_seg(self.last_layer(torch.cat(maps, 1)))
