"""CAT-Net's two streams: the pixels, and the coefficients that the JPEG file holds."""

from collections.abc import Sequence
from typing import Any

import torch
from mmcv.cnn import build_norm_layer
from mmseg.models.backbones.resnet import BasicBlock
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from .exact_size_hrnet import ExactSizeHRNet

BLOCK = 8  # A side of a JPEG block, in pixels.
HIGHEST = 20  # Coefficients of this magnitude and above count as one.
CHANNELS = 5  # R, G, B, coefficient, its table's value.
KEPT = 4  # Channels of the stem behind which a block's places become channels.


@MODELS.register_module()
class CATNetBackbone(ExactSizeHRNet):
    """HRNet over the pixels, and a smaller one from 1/8 on over the JPEG's luma coefficients.

    The stem of the second sees each coefficient's magnitude as one of 21 classes, and of the blocks around it the
    coefficients of the same frequency alone, by a dilation of 8. Its parts have the names of the released file.

    Args:
        *args: Of :class:`ExactSizeHRNet`, for the pixels.
        dct_channels (Sequence[int]): Widths of the second stream's branches at 1/8, 1/16 and 1/32. Defaults to
            (96, 192, 384).
        dct_blocks (int): Residual blocks of each branch. Defaults to 4.
        dct_modules (Sequence[int]): Modules of its stages of two and of three branches. Defaults to (3, 2).
        **kwargs: Of :class:`ExactSizeHRNet`.

    Source:
        CAT-Net v1: Kwon et al., WACV 2021; v2: Kwon et al., IJCV 2022.
    """

    def __init__(
        self,
        *args: Any,
        dct_channels: Sequence[int] = (96, 192, 384),
        dct_blocks: int = 4,
        dct_modules: Sequence[int] = (3, 2),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        first, widths = dct_channels[0], list(dct_channels)
        stem = 64
        norms = [build_norm_layer(self.norm_cfg, width)[1] for width in (stem, KEPT)]
        self.dc_layer0_dil = nn.Sequential(
            nn.Conv2d(HIGHEST + 1, stem, 3, padding=BLOCK, dilation=BLOCK), norms[0], nn.ReLU(inplace=True)
        )
        self.dc_layer1_tail = nn.Sequential(nn.Conv2d(stem, KEPT, 1, bias=False), norms[1], nn.ReLU(inplace=True))
        self.dc_layer2 = self._make_layer(BasicBlock, 2 * KEPT * BLOCK**2, first, dct_blocks)
        self.dc_transition2 = self._make_transition_layer([first], widths[:2])
        self.dc_stage3, _ = self._make_stage(_stage(dct_modules[0], widths[:2], dct_blocks), widths[:2])
        self.dc_transition3 = self._make_transition_layer(widths[:2], widths)
        self.dc_stage4, _ = self._make_stage(_stage(dct_modules[1], widths, dct_blocks), widths[:])

    def forward(self, x: Tensor) -> list[Tensor]:
        """Map images to features of both streams.

        Args:
            x (Tensor): Of shape (N, 5, H, W), H and W multiples of 8: normalised R, G, B; the quantised luma
                coefficient, at the pixel's place in its block; the value of the quantisation table there.

        Returns:
            list[Tensor]: Four maps at 1/4 (pixels alone), 1/8, 1/16 and 1/32, pixels before coefficients.

        Raises:
            ValueError: If the image has other than five channels, or its sides are no multiples of 8.
        """
        if x.shape[1] != CHANNELS or x.shape[2] % BLOCK or x.shape[3] % BLOCK:
            raise ValueError(
                f'CATNetBackbone takes five channels (R, G, B, the JPEG coefficient and its quantisation) and sides of '
                f'whole blocks of {BLOCK}, got {tuple(x.shape[1:])}: begin the pipeline with the transform that reads '
                'the JPEG, as configs/peers/catnet.py does, and leave the size as it is'
            )
        finest, *pixels = super().forward(x[:, :3])
        return [finest, *(torch.cat(pair, 1) for pair in zip(pixels, self._forward_jpeg(x[:, 3:]), strict=True))]

    def _forward_jpeg(self, x: Tensor) -> list[Tensor]:
        """Coefficients and table (N, 2, H, W) to maps at 1/8, 1/16 and 1/32."""
        coefficients, table = x[:, :1], x[:, 1:]
        magnitude = coefficients.abs().clamp(max=HIGHEST)
        classes = torch.arange(HIGHEST + 1, device=x.device).view(1, -1, 1, 1)
        volume = (magnitude == classes).to(x.dtype)
        kept = self.dc_layer1_tail(self.dc_layer0_dil(volume))
        blocks = torch.cat([F.pixel_unshuffle(each, BLOCK) for each in (kept, kept * table)], 1)
        first = self.dc_layer2(blocks)
        maps = self.dc_stage3([first, self.dc_transition2[1](first)])
        return self.dc_stage4([*maps, self.dc_transition3[2](maps[-1])])


def _stage(modules: int, widths: Sequence[int], blocks: int) -> dict[str, Any]:
    """A stage as mmseg's HRNet takes it."""
    branches = len(widths)
    return dict(
        num_modules=modules,
        num_branches=branches,
        block='BASIC',
        num_blocks=(blocks,) * branches,
        num_channels=tuple(widths),
    )
