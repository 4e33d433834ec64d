"""CMX: two transformers, of an image and of another map of it, that look at each other after every stage."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule, ModuleList
from mmseg.models.backbones import MixVisionTransformer
from mmseg.models.utils import nchw_to_nlc, nlc_to_nchw
from mmseg.registry import MODELS
from mmseg.utils import ConfigType
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

# The released norms behind a patch embedding and behind a reduction of keys and values; the others have mmseg's 1e-6.
EPS_OF_INNER_NORMS = 1e-5
# The sheet of the released code does not say how these parts start; this is the rule of the transformers beside them.
INITIAL = [dict(type='TruncNormal', layer='Linear', std=0.02), dict(type='Kaiming', layer='Conv2d')]


class FeatureRectification(BaseModule):
    """CMX's FRM: each map gets from the other what gates let through, one gate a channel and one a place.

    Args:
        channels (int): C of each map.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(init_cfg=INITIAL)
        width = 4 * channels
        self.channel_gate = nn.Sequential(
            nn.Linear(width, width), nn.ReLU(inplace=True), nn.Linear(width, 2 * channels), nn.Sigmoid()
        )
        self.spatial_gate = nn.Sequential(
            nn.Conv2d(2 * channels, channels, 1), nn.ReLU(inplace=True), nn.Conv2d(channels, 2, 1), nn.Sigmoid()
        )

    def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Rectify two maps by each other.

        Args:
            a (Tensor): Of shape (N, C, h, w).
            b (Tensor): Of the same shape.

        Returns:
            tuple[Tensor, Tensor]: Of the same shapes.
        """
        both = torch.cat([a, b], 1)
        pooled = torch.cat([both.mean((2, 3)), both.amax((2, 3))], 1)
        channel_a, channel_b = self.channel_gate(pooled)[..., None, None].chunk(2, 1)
        space_a, space_b = self.spatial_gate(both).chunk(2, 1)
        return a + 0.5 * (channel_b + space_b) * b, b + 0.5 * (channel_a + space_a) * a


class FeatureFusion(BaseModule):
    """CMX's FFM: two maps exchange their contexts by attention, and become one.

    Args:
        channels (int): C of each map, and of the result.
        num_heads (int): Of the attention.
        norm_cfg (dict): Of the batch norms.
    """

    def __init__(self, channels: int, num_heads: int, norm_cfg: ConfigType) -> None:
        super().__init__(init_cfg=INITIAL)
        self.num_heads = num_heads
        self.project, self.key_value, self.end, self.norm = (
            nn.ModuleList(layer() for _ in range(2))
            for layer in (
                lambda: nn.Linear(channels, 2 * channels),
                lambda: nn.Linear(channels, 2 * channels, bias=False),
                lambda: nn.Linear(2 * channels, channels),
                lambda: nn.LayerNorm(channels),
            )
        )
        self.shortcut = nn.Conv2d(2 * channels, channels, 1, bias=False)
        self.embed = nn.Sequential(
            nn.Conv2d(2 * channels, channels, 1),
            nn.Conv2d(channels, channels, 3, padding=1, groups=channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 1),
            build_norm_layer(norm_cfg, channels)[1],
        )
        self.merged_norm = build_norm_layer(norm_cfg, channels)[1]

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Fuse two maps.

        Args:
            a (Tensor): Of shape (N, C, h, w).
            b (Tensor): Of the same shape.

        Returns:
            Tensor: Of the same shape.
        """
        tokens = [nchw_to_nlc(each) for each in (a, b)]
        kept, asking = zip(
            *(layer(each).relu().chunk(2, -1) for layer, each in zip(self.project, tokens, strict=True)), strict=True
        )
        contexts = [self._context(layer(each)) for layer, each in zip(self.key_value, asking, strict=True)]
        exchanged = []
        for number, (token, own) in enumerate(zip(tokens, kept, strict=True)):
            answer = self._joined(self._heads(asking[number]) @ contexts[1 - number])
            exchanged.append(self.norm[number](token + self.end[number](torch.cat([own, answer], -1))))
        merged = nlc_to_nchw(torch.cat(exchanged, -1), a.shape[2:])
        return self.merged_norm(self.shortcut(merged) + self.embed(merged))

    def _context(self, keys_values: Tensor) -> Tensor:
        """What a map tells the other: of shape (N, heads, C / heads, C / heads), from (N, h w, 2 C)."""
        keys, values = (self._heads(each) for each in keys_values.chunk(2, -1))
        scale = keys.shape[-1] ** -0.5
        return ((keys.mT @ values) * scale).softmax(-2)

    def _heads(self, tokens: Tensor) -> Tensor:
        """From (N, h w, C) to (N, heads, h w, C / heads)."""
        return tokens.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)

    @staticmethod
    def _joined(tokens: Tensor) -> Tensor:
        return tokens.transpose(1, 2).flatten(2)


@MODELS.register_module()
class CMXTransformer(BaseModule):
    """Two of mmseg's ``MixVisionTransformer``, run stage by stage, whose maps are rectified and fused after each stage.

    The attention does not give its weights away, so that they need not be held: the same numbers, and memory that
    grows with the image's pixels only.

    Args:
        embed_dims (int): Width of a head. Defaults to 64.
        num_layers (Sequence[int]): Blocks of the four stages. Defaults to those of MiT-B2.
        num_heads (Sequence[int]): Heads of the four stages, whose widths are so many times ``embed_dims``. Defaults to
            those of MiT-B2.
        norm_cfg (dict): Of the batch norms in the fusions. Defaults to ``dict(type='BN')``.
        init_cfg (dict, optional): Of each of the two transformers, as ``dict(type='Pretrained', checkpoint=...)`` with
            mmseg's weights of a MiT.
        **options: Of ``MixVisionTransformer``, as ``drop_path_rate`` and ``with_cp``.

    Source:
        CMX: Zhang et al., T-ITS 2023; MiT is the encoder of SegFormer: Xie et al., NeurIPS 2021.
    """

    def __init__(
        self,
        embed_dims: int = 64,
        num_layers: Sequence[int] = (3, 4, 6, 3),
        num_heads: Sequence[int] = (1, 2, 5, 8),
        norm_cfg: ConfigType = dict(type='BN'),
        init_cfg: ConfigType | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        with _NumbersOfTensors():
            self.rgb, self.other = (
                MixVisionTransformer(
                    embed_dims=embed_dims, num_layers=num_layers, num_heads=num_heads, init_cfg=init_cfg, **options
                )
                for _ in range(2)
            )
        for transformer in (self.rgb, self.other):
            _as_released(transformer)
        widths = [embed_dims * heads for heads in num_heads]
        self.rectifications = ModuleList(FeatureRectification(width) for width in widths)
        self.fusions = ModuleList(
            FeatureFusion(width, heads, norm_cfg) for width, heads in zip(widths, num_heads, strict=True)
        )

    def forward(self, rgb: Tensor, other: Tensor) -> tuple[Tensor, ...]:
        """Fused maps of an image.

        Args:
            rgb (Tensor): Of shape (N, 3, H, W), normalised as for ImageNet, at least 29 pixels a side.
            other (Tensor): Another map of it, of the same shape.

        Returns:
            tuple[Tensor, ...]: One a stage, of shape (N, C_i, h_i, w_i), at 1/4, 1/8, 1/16 and 1/32, rounded up.
        """
        fused = []
        for number, (rectify, fuse) in enumerate(zip(self.rectifications, self.fusions, strict=True)):
            rgb, other = rectify(_stage(self.rgb, number, rgb), _stage(self.other, number, other))
            fused.append(fuse(rgb, other))
        return tuple(fused)


class _NumbersOfTensors(TorchFunctionMode):
    """Lets a MiT, which reads numbers off a ``linspace``, be built on the meta device, whose tensors have none."""

    def __torch_function__(
        self, function: Callable, types: Sequence[type], args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        kwargs = dict(kwargs or {}, device='cpu') if function is torch.linspace else kwargs or {}
        return function(*args, **kwargs)


def _stage(transformer: MixVisionTransformer, number: int, x: Tensor) -> Tensor:
    """One stage of a MiT, map to map."""
    patches, blocks, norm = transformer.layers[number]
    tokens, size = patches(x)
    for block in blocks:
        tokens = block(tokens, size)
    return nlc_to_nchw(norm(tokens), size)


def _as_released(transformer: MixVisionTransformer) -> None:
    """Set the eps of the inner norms, and keep the attention from giving its weights away."""
    for patches, blocks, _ in transformer.layers:
        patches.norm.eps = EPS_OF_INNER_NORMS
        for block in blocks:
            if block.attn.sr_ratio > 1:
                block.attn.norm.eps = EPS_OF_INNER_NORMS
            block.attn.attn.register_forward_pre_hook(_without_weights, with_kwargs=True)


def _without_weights(module: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    return args, {**kwargs, 'need_weights': False}
