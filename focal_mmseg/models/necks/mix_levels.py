"""Several feature maps as one."""

import itertools
from collections.abc import Sequence

import torch
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from mmseg.utils import ConfigType, OptConfigType
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


@MODELS.register_module()
class MixLevels(BaseModule):
    """Brings maps of several resolutions to that of one of them and mixes them by 3x3 convolutions.

    Each map goes through a 1x1 convolution and a norm of its own. Larger ones are then averaged over the cells, smaller
    ones interpolated bilinearly.

    Args:
        in_channels (Sequence[int]): Widths of the maps.
        level_channels (int): Width that each map is brought to. Defaults to 48.
        out_channels (int): Width of the mixed map. Defaults to 128.
        index (int): Which of the maps gives the resolution. Defaults to the last.
        num_convs (int): 3x3 convolutions over all maps together. Defaults to 2.
        norm_cfg (dict): Defaults to ``dict(type='BN')``.
        init_cfg (dict, optional): See mmengine's ``BaseModule``. Defaults to None.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        level_channels: int = 48,
        out_channels: int = 128,
        index: int = -1,
        num_convs: int = 2,
        norm_cfg: ConfigType = dict(type='BN'),
        init_cfg: OptConfigType = None,
    ) -> None:
        super().__init__(init_cfg)
        self.index = index
        self.levels = nn.ModuleList(
            ConvModule(width, level_channels, 1, norm_cfg=norm_cfg, act_cfg=None) for width in in_channels
        )
        widths = [level_channels * len(in_channels), *[out_channels] * num_convs]
        self.convs = nn.Sequential(
            *(ConvModule(inner, outer, 3, padding=1, norm_cfg=norm_cfg) for inner, outer in itertools.pairwise(widths))
        )

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor]:
        """Mix the maps.

        Args:
            inputs (Sequence[Tensor]): Float of shape (N, C_i, h_i, w_i) each.

        Returns:
            tuple[Tensor]: One map (N, out_channels, h, w), with the h and w of the one at ``index``.

        Raises:
            ValueError: If there is another number of maps.
        """
        if len(inputs) != len(self.levels):
            raise ValueError(f'MixLevels was made for {len(self.levels)} maps, got {len(inputs)}: check in_channels')
        size = inputs[self.index].shape[2:]
        resized = [_at(level(each), size) for level, each in zip(self.levels, inputs, strict=True)]
        return (self.convs(torch.cat(resized, dim=1)),)


def _at(x: Tensor, size: torch.Size) -> Tensor:
    """A map at another resolution."""
    if x.shape[2:] == size:
        return x
    if x.shape[2] > size[0]:
        return F.adaptive_avg_pool2d(x, (size[0], size[1]))
    return F.interpolate(x, size, mode='bilinear', align_corners=False)
