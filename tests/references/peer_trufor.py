"""TruFor, stated anew in plain torch by the released names: nothing of mmseg, mmcv or this package is in it.

Written from the paper and from what is known of the released network's names, shapes and constants, so that names,
order, eps and arithmetic are held against something of their own. Attention is written out, maps are concatenated
before they are convolved, and pools are loops over pixels' weights.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

WIDTHS = (64, 128, 320, 512)
HEADS = (1, 2, 5, 8)
DEPTHS = (3, 4, 6, 3)
REDUCTIONS = (8, 4, 2, 1)
ENTRIES, PARAMETERS = 952, 68_697_421


def released_shapes() -> dict[str, tuple[int, ...]]:
    """Names and shapes of the released state dict."""
    found: dict[str, tuple[int, ...]] = {}

    def layer(name: str, *shape: int, bias: bool = True) -> None:
        found[f'{name}.weight'] = shape
        if bias:
            found[f'{name}.bias'] = shape[:1]

    def batch_norm(name: str, width: int) -> None:
        layer(name, width)
        found.update({f'{name}.running_mean': (width,), f'{name}.running_var': (width,)})
        found[f'{name}.num_batches_tracked'] = ()

    for extra in ('', 'extra_'):
        for stage, (width, depth, reduction) in enumerate(zip(WIDTHS, DEPTHS, REDUCTIONS, strict=True), 1):
            below, kernel = ((3, *WIDTHS)[stage - 1], 7 if stage == 1 else 3)
            layer(f'backbone.{extra}patch_embed{stage}.proj', width, below, kernel, kernel)
            layer(f'backbone.{extra}patch_embed{stage}.norm', width)
            layer(f'backbone.{extra}norm{stage}', width)
            for number in range(depth):
                block = f'backbone.{extra}block{stage}.{number}'
                layer(f'{block}.norm1', width)
                layer(f'{block}.norm2', width)
                layer(f'{block}.attn.q', width, width)
                layer(f'{block}.attn.kv', 2 * width, width)
                layer(f'{block}.attn.proj', width, width)
                if reduction > 1:
                    layer(f'{block}.attn.sr', width, width, reduction, reduction)
                    layer(f'{block}.attn.norm', width)
                layer(f'{block}.mlp.fc1', 4 * width, width)
                layer(f'{block}.mlp.dwconv.dwconv', 4 * width, 1, 3, 3)
                layer(f'{block}.mlp.fc2', width, 4 * width)
    for number, width in enumerate(WIDTHS):
        rectify, fuse = f'backbone.FRMs.{number}', f'backbone.FFMs.{number}'
        layer(f'{rectify}.channel_weights.mlp.0', 4 * width, 4 * width)
        layer(f'{rectify}.channel_weights.mlp.2', 2 * width, 4 * width)
        layer(f'{rectify}.spatial_weights.mlp.0', width, 2 * width, 1, 1)
        layer(f'{rectify}.spatial_weights.mlp.2', 2, width, 1, 1)
        for side in (1, 2):
            layer(f'{fuse}.cross.channel_proj{side}', 2 * width, width)
            layer(f'{fuse}.cross.cross_attn.kv{side}', 2 * width, width, bias=False)
            layer(f'{fuse}.cross.end_proj{side}', width, 2 * width)
            layer(f'{fuse}.cross.norm{side}', width)
        layer(f'{fuse}.channel_emb.residual', width, 2 * width, 1, 1, bias=False)
        layer(f'{fuse}.channel_emb.channel_embed.0', width, 2 * width, 1, 1)
        layer(f'{fuse}.channel_emb.channel_embed.1', width, 1, 3, 3)
        layer(f'{fuse}.channel_emb.channel_embed.3', width, width, 1, 1)
        batch_norm(f'{fuse}.channel_emb.channel_embed.4', width)
        batch_norm(f'{fuse}.channel_emb.norm', width)
    for head, outputs in (('decode_head', 2), ('decode_head_conf', 1)):
        for level, width in enumerate(WIDTHS, 1):
            layer(f'{head}.linear_c{level}.proj', 512, width)
        layer(f'{head}.linear_fuse.0', 512, 2048, 1, 1)
        batch_norm(f'{head}.linear_fuse.1', 512)
        layer(f'{head}.linear_pred', outputs, 512, 1, 1)
    layer('detection.0', 128, 8)
    layer('detection.3', 1, 128)
    layer('dncnn.0', 64, 3, 3, 3)
    for number in range(2, 45, 3):
        layer(f'dncnn.{number}', 64, 64, 3, 3, bias=False)
        batch_norm(f'dncnn.{number + 1}', 64)
    layer('dncnn.47', 1, 64, 3, 3)
    return found


@dataclass(frozen=True)
class Answer:
    """What the network says of one image.

    Attributes:
        noiseprint (Tensor): Of shape (H, W).
        features (list[Tensor]): The four fused maps, (C, h, w).
        logits (Tensor): Of shape (2, H, W).
        confidence (Tensor): Logits of shape (H, W).
        image_logit (float): Of the detector.
    """

    noiseprint: Tensor
    features: list[Tensor]
    logits: Tensor
    confidence: Tensor
    image_logit: float


class TruForReference:
    """The network.

    Args:
        state (Mapping[str, Tensor]): By the released names.
        confidence_eps (float): Of the confidence decoder's batch norm. Defaults to that of 2023.
    """

    def __init__(self, state: Mapping[str, Tensor], confidence_eps: float = 1e-5) -> None:
        self.state = state
        self.confidence_eps = confidence_eps

    @torch.no_grad()
    def __call__(self, image: Tensor) -> Answer:
        """Judge an image, uint8 RGB of shape (H, W, 3)."""
        x = image.permute(2, 0, 1)[None].double().float() / 256
        size = tuple(x.shape[2:])
        noiseprint = self.noiseprint(x)
        mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[:, None, :, None, None]
        features = self.encode((x - mean) / std, noiseprint.repeat(1, 3, 1, 1))
        logits = self.decode('decode_head', features, 1e-3, size)
        confidence = self.decode('decode_head_conf', features, self.confidence_eps, size)
        verdict = self.detect(logits, confidence)
        return Answer(noiseprint[0, 0], [each[0] for each in features], logits[0], confidence[0, 0], float(verdict))

    def linear(self, name: str, x: Tensor) -> Tensor:
        return x @ self.state[f'{name}.weight'].T + self.state.get(f'{name}.bias', torch.zeros(1))

    def convolve(self, name: str, x: Tensor, **options: int) -> Tensor:
        return F.conv2d(x, self.state[f'{name}.weight'], self.state.get(f'{name}.bias'), **options)

    def layer_norm(self, name: str, x: Tensor, eps: float) -> Tensor:
        centred = x - x.mean(-1, keepdim=True)
        scaled = centred / (centred.square().mean(-1, keepdim=True) + eps).sqrt()
        return scaled * self.state[f'{name}.weight'] + self.state[f'{name}.bias']

    def batch_norm(self, name: str, x: Tensor, eps: float = 1e-5) -> Tensor:
        parts = (self.state[f'{name}.{part}'] for part in ('running_mean', 'running_var', 'weight', 'bias'))
        return F.batch_norm(x, *parts, training=False, eps=eps)

    def noiseprint(self, x: Tensor) -> Tensor:
        x = self.convolve('dncnn.0', x, padding=1).relu()
        for number in range(2, 45, 3):
            x = self.batch_norm(f'dncnn.{number + 1}', self.convolve(f'dncnn.{number}', x, padding=1)).relu()
        return self.convolve('dncnn.47', x, padding=1)

    def encode(self, rgb: Tensor, noise: Tensor) -> list[Tensor]:
        fused = []
        for number in range(4):
            a, b = self.stage('', number, rgb), self.stage('extra_', number, noise)
            rgb, noise = self.rectify(f'backbone.FRMs.{number}', a, b)
            fused.append(self.fuse(f'backbone.FFMs.{number}', rgb, noise, HEADS[number]))
        return fused

    def stage(self, extra: str, number: int, x: Tensor) -> Tensor:
        begin = f'backbone.{extra}patch_embed{number + 1}'
        x = self.convolve(f'{begin}.proj', x, stride=2 if number else 4, padding=1 if number else 3)
        size = x.shape[2:]
        tokens = self.layer_norm(f'{begin}.norm', _tokens(x), 1e-5)
        for block in range(DEPTHS[number]):
            name = f'backbone.{extra}block{number + 1}.{block}'
            tokens = tokens + self.attend(f'{name}.attn', self.layer_norm(f'{name}.norm1', tokens, 1e-6), size, number)
            inner = self.linear(f'{name}.mlp.fc1', self.layer_norm(f'{name}.norm2', tokens, 1e-6))
            inner = self.convolve(f'{name}.mlp.dwconv.dwconv', _map(inner, size), padding=1, groups=inner.shape[-1])
            tokens = tokens + self.linear(f'{name}.mlp.fc2', F.gelu(_tokens(inner)))
        return _map(self.layer_norm(f'backbone.{extra}norm{number + 1}', tokens, 1e-6), size)

    def attend(self, name: str, tokens: Tensor, size: torch.Size, number: int) -> Tensor:
        looked_at = tokens
        if REDUCTIONS[number] > 1:
            smaller = self.convolve(f'{name}.sr', _map(tokens, size), stride=REDUCTIONS[number])
            looked_at = self.layer_norm(f'{name}.norm', _tokens(smaller), 1e-5)
        width = WIDTHS[number] // HEADS[number]
        queries = self.linear(f'{name}.q', tokens)[0]
        keys, values = self.linear(f'{name}.kv', looked_at)[0].split(WIDTHS[number], -1)
        answers = []
        for head in range(HEADS[number]):
            own = slice(head * width, (head + 1) * width)
            agreement = queries[:, own] @ keys[:, own].T / math.sqrt(width)
            answers.append(agreement.softmax(-1) @ values[:, own])
        return self.linear(f'{name}.proj', torch.cat(answers, -1)[None])

    def rectify(self, name: str, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        channels = a.shape[1]
        both = torch.cat([a, b], 1)
        pooled = torch.cat([both.flatten(2).mean(2), both.flatten(2).max(2).values], 1)
        hidden = self.linear(f'{name}.channel_weights.mlp.0', pooled).relu()
        gates = self.linear(f'{name}.channel_weights.mlp.2', hidden).sigmoid()[..., None, None]
        hidden = self.convolve(f'{name}.spatial_weights.mlp.0', both).relu()
        places = self.convolve(f'{name}.spatial_weights.mlp.2', hidden).sigmoid()
        first = a + 0.5 * gates[:, channels:] * b + 0.5 * places[:, 1:] * b
        second = b + 0.5 * gates[:, :channels] * a + 0.5 * places[:, :1] * a
        return first, second

    def fuse(self, name: str, a: Tensor, b: Tensor, heads: int) -> Tensor:
        channels = a.shape[1]
        tokens = [_tokens(a)[0], _tokens(b)[0]]
        kept, asking, contexts = [], [], []
        for side, each in enumerate(tokens, 1):
            projected = self.linear(f'{name}.cross.channel_proj{side}', each).relu()
            kept.append(projected[:, :channels])
            asking.append(projected[:, channels:])
            pair = self.linear(f'{name}.cross.cross_attn.kv{side}', asking[-1])
            contexts.append((pair[:, :channels], pair[:, channels:]))
        width = channels // heads
        out = []
        for side in (0, 1):
            keys, values = contexts[1 - side]
            answers = []
            for head in range(heads):
                own = slice(head * width, (head + 1) * width)
                weights = (keys[:, own].T @ values[:, own] / math.sqrt(width)).softmax(0)
                answers.append(asking[side][:, own] @ weights)
            joined = torch.cat([kept[side], *answers], -1)
            residual = tokens[side] + self.linear(f'{name}.cross.end_proj{side + 1}', joined)
            out.append(self.layer_norm(f'{name}.cross.norm{side + 1}', residual, 1e-5))
        merged = _map(torch.cat(out, -1)[None], a.shape[2:])
        embed = f'{name}.channel_emb.channel_embed'
        inner = self.convolve(f'{embed}.1', self.convolve(f'{embed}.0', merged), padding=1, groups=channels)
        inner = self.batch_norm(f'{embed}.4', self.convolve(f'{embed}.3', inner.relu()))
        return self.batch_norm(
            f'{name}.channel_emb.norm', self.convolve(f'{name}.channel_emb.residual', merged) + inner
        )

    def decode(self, head: str, features: list[Tensor], eps: float, size: tuple[int, int]) -> Tensor:
        first = features[0].shape[2:]
        parts = []
        for level in (4, 3, 2, 1):
            x = features[level - 1]
            part = _map(self.linear(f'{head}.linear_c{level}.proj', _tokens(x)), x.shape[2:])
            parts.append(F.interpolate(part, first, mode='bilinear', align_corners=False))
        joined = self.convolve(f'{head}.linear_fuse.0', torch.cat(parts, 1))
        joined = self.batch_norm(f'{head}.linear_fuse.1', joined, eps).relu()
        logits = self.convolve(f'{head}.linear_pred', joined)
        return F.interpolate(logits, size, mode='bilinear', align_corners=False)

    def detect(self, logits: Tensor, confidence: Tensor) -> Tensor:
        sure = confidence.flatten().double()
        difference = (logits[0, 1] - logits[0, 0]).flatten().double()
        features = [*pooled(sure, torch.ones_like(sure)), *pooled(difference, sure.sigmoid())]
        hidden = self.linear('detection.0', torch.stack(features).float()).relu()
        return self.linear('detection.3', hidden)


def pooled(values: Tensor, weights: Tensor) -> list[Tensor]:
    """Soft minimum, soft maximum, mean and mean square of numbers, float64, each with its weight."""
    weights = weights / weights.sum()
    return [
        -(weights * (-values).exp()).sum().log(),
        (weights * values.exp()).sum().log(),
        (weights * values).sum(),
        (weights * values**2).sum(),
    ]


def _tokens(x: Tensor) -> Tensor:
    return x.flatten(2).mT


def _map(tokens: Tensor, size: torch.Size) -> Tensor:
    return tokens.mT.reshape(tokens.shape[0], -1, *size)
