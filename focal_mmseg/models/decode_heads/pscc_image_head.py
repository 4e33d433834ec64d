"""PSCC-Net's detector: is the image as a whole forged?"""

from collections.abc import Sequence
from itertools import pairwise

from mmengine.model import BaseModule
from mmseg.models.backbones.resnet import Bottleneck
from mmseg.registry import MODELS
from torch import Tensor, nn

MOMENTUM = 0.01


class _HalfBottleneck(Bottleneck):
    """A bottleneck that doubles its width in place of making it four times as wide."""

    expansion = 2


@MODELS.register_module()
class PSCCImageHead(BaseModule):
    """HRNet's classification head, narrow, over the maps of PSCC-Net's four scales.

    Its parts have the names of the released file.

    Args:
        in_channels (Sequence[int]): Of the four maps, finest first.
        channels (int): Of the vector that an image is pooled to. Defaults to 128.
        hidden (int): Of the layer behind it. Defaults to 16.

    Source:
        PSCC-Net: Liu et al., TCSVT 2022; the head of HRNet: Wang et al., TPAMI 2020.
    """

    def __init__(self, in_channels: Sequence[int], channels: int = 128, hidden: int = 16) -> None:
        super().__init__()
        norm_cfg = dict(type='BN', momentum=MOMENTUM)
        widths = [_HalfBottleneck.expansion * width for width in in_channels]
        self.incre_modules = nn.ModuleList(
            nn.Sequential(_HalfBottleneck(width, width, downsample=_shortcut(width, double), norm_cfg=norm_cfg))
            for width, double in zip(in_channels, widths, strict=True)
        )
        self.downsamp_modules = nn.ModuleList(
            _convolution(finer, coarser, 3, stride=2) for finer, coarser in pairwise(widths)
        )
        self.final_layer = _convolution(widths[-1], channels, 1)
        self.classifier = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, 2))

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Classify images.

        Args:
            maps (Sequence[Tensor]): Of shape (N, C_i, h_i, w_i), finest first, each half the side of the one before.

        Returns:
            Tensor: Logits of shape (N, 2), pristine and forged.
        """
        first, *others = (widen(each) for widen, each in zip(self.incre_modules, maps, strict=True))
        for shrink, other in zip(self.downsamp_modules, others, strict=True):
            first = other + shrink(first)
        return self.classifier(self.final_layer(first).mean((2, 3)))


def _shortcut(channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels, momentum=MOMENTUM)
    )


def _convolution(channels: int, out_channels: int, kernel: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, out_channels, kernel, stride, kernel // 2),
        nn.BatchNorm2d(out_channels, momentum=MOMENTUM),
        nn.ReLU(inplace=True),
    )
