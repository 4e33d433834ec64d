"""The decoder of IF-OSN: a U-Net whose merged maps pass gates of their channels and of their points."""

from collections.abc import Sequence

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from mmseg.utils import ConfigType, SampleList
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.models.log_scores import logit_to_log_scores

from .input_size import input_size


@MODELS.register_module()
class SCSEUNetHead(BaseDecodeHead):
    """Goes from the coarsest map to the finest: double, convolve, join with the encoder's map, convolve, gate.

    A last doubling reaches the size of the network's input. There is no norm; every 3x3 convolution but the scoring
    1x1 one is followed by a ReLU, and all have a bias. Every resizing is nearest.

    Args:
        in_channels (Sequence[int]): Of the encoder's maps, finest first: each half the size of the one before, the
            first half the size of the input.
        widths (Sequence[int]): Channels of the decoder's maps, coarsest first: one fewer than ``in_channels``.
        channels (int): Of the last map, at the input's size. Defaults to 32.
        loss_decode (dict | Sequence[dict]): On the two channels; mmseg's cross-entropy of them is the binary one of the
            logit. Defaults to the mean over all pixels that count.
        ignore_index (int): Label of the pixels that reach no loss. Defaults to 255.
        init_cfg (dict, optional): Defaults to None, torch's own.

    Raises:
        ValueError: If the numbers of ``in_channels`` and ``widths`` do not go together.

    Source:
        Wu, Zhou, Tian, Liu, Robust Image Forgery Detection over Online Social Network Shared Images, CVPR 2022; the
        gates of Roy, Navab, Wachinger, Concurrent Spatial and Channel Squeeze & Excitation, MICCAI 2018.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        widths: Sequence[int] = (384, 256, 128, 64),
        channels: int = 32,
        *,
        loss_decode: ConfigType | Sequence[ConfigType] = dict(type='CrossEntropyLoss', avg_non_ignore=True),
        ignore_index: int = 255,
        init_cfg: ConfigType | None = None,
    ) -> None:
        if len(widths) != len(in_channels) - 1 or not widths:
            raise ValueError(f'widths must be one fewer than in_channels, got {len(widths)} and {len(in_channels)}')
        super().__init__(
            in_channels,
            channels,
            num_classes=2,
            out_channels=2,
            dropout_ratio=0,
            in_index=tuple(range(len(in_channels))),
            input_transform='multiple_select',
            loss_decode=loss_decode,
            ignore_index=ignore_index,
            init_cfg=init_cfg,
        )
        del self.conv_seg
        below = [in_channels[-1], *widths[:-1]]
        beside = in_channels[-2::-1]
        self.upsamples = nn.ModuleList(_convolution(*each) for each in zip(below, widths, strict=True))
        self.merges = nn.ModuleList(
            nn.Sequential(_convolution(width + skip, width), ChannelAndPointGates(width))
            for width, skip in zip(widths, beside, strict=True)
        )
        self.last_upsample = _convolution(widths[-1], channels)
        self.score = nn.Conv2d(channels, 1, 1)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Score each pixel.

        Args:
            inputs (Sequence[Tensor]): The encoder's maps, each (N, C_i, h_i, w_i), finest first.

        Returns:
            Tensor: Of shape (N, 2, 2 h_0, 2 w_0): 0 and the logit of the forged score.
        """
        *skips, features = self._transform_inputs(inputs)
        for upsample, merge, skip in zip(self.upsamples, self.merges, reversed(skips), strict=True):
            features = _at(upsample(_doubled(features)), skip.shape[2:])
            features = merge(torch.cat([features, skip], dim=1))
        return logit_to_log_scores(self.score(self.last_upsample(_doubled(features))))

    def loss_by_feat(self, seg_logits: Tensor, batch_data_samples: SampleList) -> dict[str, Tensor]:
        """See mmseg's; the logits come to the masks' size by the nearest, as in a test."""
        size = batch_data_samples[0].gt_sem_seg.shape
        return super().loss_by_feat(_at(seg_logits, size), batch_data_samples)

    def predict_by_feat(self, seg_logits: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Bring the logits to the size of the network's input.

        Args:
            seg_logits (Tensor): From :meth:`forward`.
            batch_img_metas (list[dict]): One an image.

        Returns:
            Tensor: Of shape (N, 2, H, W).
        """
        return _at(seg_logits, input_size(batch_img_metas[0]))


class ChannelAndPointGates(nn.Module):
    """scSE: the greater of the map with its channels weighted and the map with its points weighted.

    Args:
        width (int): Channels of the map.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.channels = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(width, width // 2, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width // 2, width, 1),
            nn.Sigmoid(),
        )
        self.points = nn.Sequential(nn.Conv2d(width, 1, 1, bias=False), nn.Sigmoid())

    def forward(self, features: Tensor) -> Tensor:
        """Of the same shape (N, C, h, w)."""
        return torch.maximum(features * self.channels(features), features * self.points(features))


def _convolution(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(inplace=True))


def _doubled(features: Tensor) -> Tensor:
    return F.interpolate(features, scale_factor=2, mode='nearest')


def _at(features: Tensor, size: Sequence[int]) -> Tensor:
    """A map at a size, by the nearest; as it is if it has that size."""
    return features if features.shape[2:] == tuple(size) else F.interpolate(features, size=tuple(size), mode='nearest')
