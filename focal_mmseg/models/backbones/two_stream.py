"""Pixels and JPEG coefficients side by side."""

from collections.abc import Sequence

import torch
from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from mmseg.utils import ConfigType, OptConfigType
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from .self_correlation import SelfCorrelation

CHANNELS = 5
BLOCK = 8
FREQUENCIES = BLOCK * BLOCK
# log2 of a quantisation step runs from 0 to about this.
LOG2_OF_STEPS = 6


@MODELS.register_module()
class TwoStreamBackbone(BaseModule):
    """Runs one backbone on the pixels and a :class:`DCTStream` on the JPEG coefficients of an image.

    The input is what :class:`LoadJPEGArtifacts` makes. Either stream alone is a backbone too.

    Args:
        rgb (dict, optional): Config of a backbone in MODELS for the three normalised colours. None leaves it out.
        dct (dict, optional): Options of :class:`DCTStream`. None leaves it out.
        copies (dict, optional): Options of :class:`SelfCorrelation` over one map of the colour backbone, and ``index``,
            which of its maps. None leaves it out.
        divisor (int): Sides of the image that the colour backbone sees are brought to multiples of it, by repeating
            the border to the right and below; its maps are cut afterwards to what the image covers. At least 8, and
            a multiple of it. Defaults to 32.
        init_cfg (dict, optional): See mmengine's ``BaseModule``. Defaults to None.

    Raises:
        ValueError: If both streams are left out, ``copies`` have no ``rgb``, or ``divisor`` does not fit.
    """

    def __init__(
        self,
        rgb: OptConfigType = None,
        dct: OptConfigType = None,
        copies: OptConfigType = None,
        divisor: int = 32,
        init_cfg: OptConfigType = None,
    ) -> None:
        super().__init__(init_cfg)
        if rgb is None and dct is None:
            raise ValueError('TwoStreamBackbone needs a stream: give rgb=dict(type=...), dct=dict(), or both')
        if rgb is None and copies is not None:
            raise ValueError('copies of TwoStreamBackbone are looked for in a map of rgb: give rgb too, or copies=None')
        if divisor < BLOCK or divisor % BLOCK:
            raise ValueError(f'divisor of TwoStreamBackbone must be a multiple of {BLOCK}, got {divisor}')
        self.divisor = divisor
        self.rgb = None if rgb is None else MODELS.build(rgb)
        self.dct = None if dct is None else DCTStream(**dct)
        options = dict(copies or {})
        self.copies_index = options.pop('index', None)
        self.copies = None if copies is None else SelfCorrelation(**options)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Run the streams.

        Args:
            x (Tensor): float of shape (N, 5, H, W): normalised R, G, B, coefficient, step; H and W multiples of 8.

        Returns:
            tuple[Tensor, ...]: The maps of the colour backbone, then the map (N, C, H / 8, W / 8) of the coefficients,
            then that of the copies.

        Raises:
            ValueError: If the input has another form.
        """
        if x.ndim != 4 or x.shape[1] != CHANNELS or x.shape[2] % BLOCK or x.shape[3] % BLOCK:
            raise ValueError(
                f'TwoStreamBackbone takes images of {CHANNELS} channels whose sides are multiples of {BLOCK}, got '
                f'{tuple(x.shape)}: put LoadJPEGArtifacts behind LoadImageFromFile; no transform may change the size'
            )
        maps: list[Tensor] = []
        if self.rgb is not None:
            maps += self._forward_rgb(self.rgb, x[:, :3])
        if self.dct is not None:
            maps.append(self.dct(x[:, 3:4], x[:, 4:5]))
        if self.copies is not None:
            maps.append(self.copies(maps[self.copies_index]))
        return tuple(maps)

    @staticmethod
    def mirror(x: Tensor, dims: tuple[int, ...]) -> Tensor:
        """The input of a mirrored image, whose JPEG blocks are mirrored as a whole.

        Inside a block a mirror image has the same coefficients but for their signs, which this backbone does not see.

        Args:
            x (Tensor): See :meth:`forward`.
            dims (tuple[int, ...]): 2 for top and bottom, 3 for left and right.

        Returns:
            Tensor: Of the same shape.
        """
        blocks = F.pixel_unshuffle(x[:, 3:], BLOCK).flip(dims)
        return torch.cat([x[:, :3].flip(dims), F.pixel_shuffle(blocks, BLOCK)], dim=1)

    def _forward_rgb(self, backbone: nn.Module, rgb: Tensor) -> list[Tensor]:
        height, width = rgb.shape[2:]
        margins = (0, -width % self.divisor, 0, -height % self.divisor)
        padded = F.pad(rgb, margins, mode='replicate') if any(margins) else rgb
        cut = []
        for each in backbone(padded):
            rows, columns = (
                # Rounded up without a negative number, whose quotients an ONNX file rounds the other way.
                (side * cells + whole - 1) // whole
                for side, cells, whole in zip((height, width), each.shape[2:], padded.shape[2:], strict=True)
            )
            cut.append(each[:, :, :rows, :columns])
        return cut


class DCTStream(BaseModule):
    """Convolutions over the blocks of a JPEG file's luma.

    For each of the 64 frequencies of a block, min(abs(coefficient), ``clip``) as one-hot, and log2 of its quantisation
    step: what CAT-Net's stem sees of a coefficient, gathered by block, so that every convolution runs at 1/8 of the
    image's size. A 1x1 convolution brings the 64 * (clip + 1) + 64 channels to ``channels``, residual 3x3 convolutions
    follow, one a dilation.

    Args:
        channels (int): Inner width. Defaults to 96.
        out_channels (int): Width of the map. Defaults to 64.
        dilations (Sequence[int]): Of the 3x3 convolutions. Defaults to (1, 2, 4, 1).
        clip (int): Coefficients from this on are taken alike, at least 1. Defaults to 8.
        norm_cfg (dict): Defaults to ``dict(type='BN')``.
        init_cfg (dict, optional): See mmengine's ``BaseModule``. Defaults to None.

    Source:
        Kwon et al., CAT-Net, WACV 2021, for the one-hot volume and the table beside it.
    """

    def __init__(
        self,
        channels: int = 96,
        out_channels: int = 64,
        dilations: Sequence[int] = (1, 2, 4, 1),
        clip: int = 8,
        norm_cfg: ConfigType = dict(type='BN'),
        init_cfg: OptConfigType = None,
    ) -> None:
        super().__init__(init_cfg)
        if clip < 1:
            raise ValueError(f'clip of the DCT stream must be at least 1, got {clip}')
        self.clip = clip
        self.register_buffer('levels', torch.arange(clip + 1.0), persistent=False)
        self.stem = _conv(FREQUENCIES * (clip + 2), channels, norm_cfg, kernel_size=1)
        self.blocks = nn.ModuleList(
            _conv(channels, channels, norm_cfg, kernel_size=3, dilation=dilation) for dilation in dilations
        )
        self.out = nn.Conv2d(channels, out_channels, 1)

    def forward(self, coefficients: Tensor, steps: Tensor) -> Tensor:
        """Embed the blocks.

        Args:
            coefficients (Tensor): float of shape (N, 1, H, W), quantised, on the pixel grid.
            steps (Tensor): float of shape (N, 1, H, W), of the quantisation table.

        Returns:
            Tensor: float of shape (N, out_channels, H / 8, W / 8).
        """
        levels = F.pixel_unshuffle(coefficients, BLOCK).abs().clamp(max=self.clip)
        one_hot = (levels[:, :, None] == self.levels[:, None, None]).flatten(1, 2).to(steps.dtype)
        # A step of 0 lies in padding only.
        logarithms = F.pixel_unshuffle(steps, BLOCK).clamp(min=1).log2() / LOG2_OF_STEPS
        x = self.stem(torch.cat([one_hot, logarithms], dim=1))
        for block in self.blocks:
            x = x + block(x)
        return self.out(x)


def _conv(inner: int, outer: int, norm_cfg: ConfigType, kernel_size: int, dilation: int = 1) -> nn.Sequential:
    """Convolution, norm, ReLU; the size stays."""
    padding = dilation * (kernel_size // 2)
    conv = nn.Conv2d(inner, outer, kernel_size, padding=padding, dilation=dilation, bias=False)
    return nn.Sequential(conv, build_norm_layer(norm_cfg, outer)[1], nn.ReLU(inplace=True))
