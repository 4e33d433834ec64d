"""HRNet whose branches are brought straight to each other's sizes, as PSCC-Net and CAT-Net have it."""

from collections.abc import Sequence
from typing import Any, cast

from mmseg.models.backbones.hrnet import HRModule, HRNet
from mmseg.registry import MODELS
from mmseg.utils import ConfigType
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


class ExactSizeHRModule(HRModule):
    """mmseg's ``HRModule``, each smaller branch resized once, to the size of the branch that it is added to.

    mmseg's enlarges it by a power of two and then resizes the result. Both are equal where the sides of the first
    branch are multiples of 8, elsewhere they are not. Names and shapes of the parameters are the same.

    Args:
        *args: Of ``HRModule``.
        align_corners (bool): Of the resizing. Defaults to False.
        **kwargs: Of ``HRModule``.
    """

    def __init__(self, *args: Any, align_corners: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.align_corners = align_corners

    def forward(self, x: list[Tensor]) -> list[Tensor]:
        """Run the branches and exchange their maps.

        Args:
            x (list[Tensor]): One a branch, of shape (N, C_i, h_i, w_i).

        Returns:
            list[Tensor]: Of the same shapes; the first alone without ``multiscale_output``.
        """
        if self.num_branches == 1:
            return [self.branches[0](x[0])]
        maps = [branch(each) for branch, each in zip(self.branches, x, strict=True)]
        return [self.relu(self._fused(layers, maps, number)) for number, layers in enumerate(self.fuse_layers)]

    def _fused(self, layers: nn.ModuleList, maps: Sequence[Tensor], number: int) -> Tensor:
        """The sum of all maps, in their order, at the size of one of them."""
        total: Tensor | None = None
        for other, (layer, each) in enumerate(zip(layers, maps, strict=True)):
            part = each if other == number else layer(each)
            if other > number:
                part = F.interpolate(
                    part, size=maps[number].shape[2:], mode='bilinear', align_corners=self.align_corners
                )
            total = part if total is None else total + part
        return cast(Tensor, total)

    def _make_fuse_layers(self) -> nn.ModuleList | None:
        """The layers of ``HRModule`` without the enlargement, which has no parameters."""
        fuse_layers = super()._make_fuse_layers()
        for number, layers in enumerate(fuse_layers or ()):
            for other in range(number + 1, len(layers)):
                layers[other] = layers[other][:-1]
        return fuse_layers


@MODELS.register_module()
class ExactSizeHRNet(HRNet):
    """mmseg's ``HRNet`` for images of any size, see :class:`ExactSizeHRModule`; its checkpoints fit.

    Args:
        *args: Of mmseg's ``HRNet``.
        align_corners (bool): Of every resizing: True in PSCC-Net, False in CAT-Net. Defaults to False.
        stem_strides (Sequence[int]): Of the two convolutions before the first stage, (1, 1) gives maps from the full
            resolution on, as PSCC-Net does. Defaults to (2, 2), that of HRNet.
        **kwargs: Of mmseg's ``HRNet``.

    Raises:
        ValueError: If ``stem_strides`` are not two whole numbers of at least 1.

    Source:
        HRNet: Wang et al., TPAMI 2020; PSCC-Net: Liu et al., TCSVT 2022; CAT-Net: Kwon et al., IJCV 2022.
    """

    def __init__(
        self, *args: Any, align_corners: bool = False, stem_strides: Sequence[int] = (2, 2), **kwargs: Any
    ) -> None:
        if len(stem_strides) != 2 or not all(isinstance(stride, int) and stride >= 1 for stride in stem_strides):
            raise ValueError(f'stem_strides must be two whole numbers of at least 1, got {tuple(stem_strides)}')
        # The stages are made while the parent is.
        self._align_corners = align_corners
        super().__init__(*args, **kwargs)
        for conv, stride in zip((self.conv1, self.conv2), stem_strides, strict=True):
            conv.stride = (stride, stride)

    def _make_stage(
        self, layer_config: ConfigType, in_channels: list[int], multiscale_output: bool = True
    ) -> tuple[nn.Module, list[int]]:
        """A stage of mmseg's, of :class:`ExactSizeHRModule`."""
        modules = [
            ExactSizeHRModule(
                layer_config['num_branches'],
                self.blocks_dict[layer_config['block']],
                layer_config['num_blocks'],
                in_channels,
                layer_config['num_channels'],
                multiscale_output or number < layer_config['num_modules'] - 1,
                with_cp=self.with_cp,
                norm_cfg=self.norm_cfg,
                conv_cfg=self.conv_cfg,
                align_corners=self._align_corners,
            )
            for number in range(layer_config['num_modules'])
        ]
        return nn.Sequential(*modules), in_channels
