"""TruFor's decoder: every level through a linear layer, joined, classified."""

from collections.abc import Sequence
from typing import cast

from mmcv.cnn import build_norm_layer
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from mmseg.utils import ConfigType
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


@MODELS.register_module()
class TruForHead(BaseDecodeHead):
    """The decoder of two of TruFor's maps: forged or not, and confidence.

    Each level goes through a linear layer; all are brought to the first one's size, concatenated with the COARSEST
    first, and go through a linear layer, a batch norm and ReLU. mmseg's ``SegformerHead`` has a norm and ReLU a level,
    no bias, and the other order. The linear layer on the concatenation is computed a level at a time, before the
    resizing, with which it commutes, so that the concatenation is not held.

    Args:
        in_channels (Sequence[int]): Of the levels, finest first.
        channels (int): Width inside. Defaults to 512.
        out_channels (int): 2 for pristine and forged, 1 for a confidence. Defaults to 2.
        norm_cfg (dict): Defaults to ``dict(type='BN', eps=1e-3)``, as the released decoder of the mask has. That of the
            confidence has eps 1e-5 in the version of 2023 and 1e-3 in that of 2025.
        dropout_ratio (float): Of whole channels, before the last layer. Defaults to 0.1.
        loss_decode (dict | Sequence[dict]): Defaults to mmseg's cross-entropy.
        ignore_index (int): Label of the pixels that reach no loss. Defaults to 255.
        init_cfg (dict, optional): Defaults to Kaiming's.

    Source:
        TruFor: Guillaro et al., CVPR 2023; CMX: Zhang et al., T-ITS 2023.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        channels: int = 512,
        *,
        out_channels: int = 2,
        norm_cfg: ConfigType = dict(type='BN', eps=1e-3),
        dropout_ratio: float = 0.1,
        loss_decode: ConfigType | Sequence[ConfigType] = dict(type='CrossEntropyLoss', avg_non_ignore=True),
        ignore_index: int = 255,
        init_cfg: ConfigType | None = dict(type='Kaiming', layer='Conv2d'),
    ) -> None:
        super().__init__(
            in_channels,
            channels,
            num_classes=2,
            out_channels=out_channels,
            threshold=0.5 if out_channels == 1 else None,
            dropout_ratio=dropout_ratio,
            norm_cfg=norm_cfg,
            in_index=tuple(range(len(in_channels))),
            input_transform='multiple_select',
            loss_decode=loss_decode,
            ignore_index=ignore_index,
            align_corners=False,
            init_cfg=init_cfg,
        )
        self.projections = nn.ModuleList(nn.Conv2d(width, channels, 1) for width in in_channels)
        self.fuse = nn.Conv2d(len(in_channels) * channels, channels, 1)
        self.norm = build_norm_layer(norm_cfg, channels)[1]

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Decode the levels.

        Args:
            inputs (Sequence[Tensor]): Each (N, C_i, h_i, w_i), finest first.

        Returns:
            Tensor: Logits of shape (N, out_channels, h, w), at the size of the finest.
        """
        levels = self._transform_inputs(inputs)
        size = levels[0].shape[2:]
        weights = self.fuse.weight.split(self.channels, 1)
        joined = levels[0].new_zeros(())
        for level, projection, weight in zip(levels, self.projections, reversed(weights), strict=True):
            part = F.conv2d(projection(level), weight)
            # In place: one map at the finest size and full width less.
            joined = resize(part, size, mode='bilinear', align_corners=False).add_(joined)
        return self.cls_seg(self.norm(joined.add_(cast(Tensor, self.fuse.bias)[:, None, None])).relu_())
