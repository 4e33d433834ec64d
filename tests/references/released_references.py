"""The released networks in plain torch: names and shapes of their files, and their forward passes.

Written from the published architectures: SAM's image encoder (Kirillov et al. 2023; Li et al., ViTDet, 2022; relative
positions of Li et al., MViTv2, 2022) and HRNet (Wang et al. 2020) as FOCAL's released code builds them.
"""

import math
from collections import Counter
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

Shapes = dict[str, tuple[int, ...]]


class Weights(dict):
    """Tensors by name; ``used`` counts how often each was read."""

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        super().__init__(tensors)
        self.used = Counter()

    def __getitem__(self, name: str) -> Tensor:
        self.used[name] += 1
        return super().__getitem__(name)


def filled(shapes: Shapes, seed: int = 0) -> dict[str, Tensor]:
    """Random tensors that keep the features near one and let every detail of the forward pass tell.

    The tokens of the first block are small, so that a layer norm's epsilon matters.
    """
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for count, (name, shape) in enumerate(shapes.items()):
        values = torch.randn(shape, generator=generator)
        if name.endswith('num_batches_tracked'):
            tensors[name] = torch.tensor(1000 + count)
        elif name.endswith('running_var'):
            tensors[name] = values.abs() + 0.5
        elif name.endswith('.weight') and len(shape) == 1:
            tensors[name] = 1 + values / 10
        elif 'pos_embed' in name or 'patch_embed' in name:
            tensors[name] = values / 300
        elif 'rel_pos' in name:
            tensors[name] = values
        elif len(shape) == 1:
            tensors[name] = values / 10
        else:
            tensors[name] = values / math.sqrt(math.prod(shape[1:]))
    return tensors


def cheap(shapes: Shapes) -> dict[str, Tensor]:
    """Tensors of these shapes that hold one number each, on the disk too."""
    return {name: torch.zeros(()).expand(shape) for name, shape in shapes.items()}


# --- SAM


def sam_shapes(
    width: int, depth: int, heads: int, hidden: int, grid: int, patch: int, out: int, window: int, global_blocks: tuple
) -> Shapes:
    """Of image_encoder.*."""
    shapes = {'pos_embed': (1, grid, grid, width), 'patch_embed.proj.weight': (width, 3, patch, patch)}
    shapes['patch_embed.proj.bias'] = (width,)
    for block in range(depth):
        side = grid if block in global_blocks else window
        here = f'blocks.{block}.'
        shapes |= _norm(f'{here}norm1', width)
        shapes |= {f'{here}attn.rel_pos_{axis}': (2 * side - 1, width // heads) for axis in 'hw'}
        shapes |= _linear(f'{here}attn.qkv', width, 3 * width) | _linear(f'{here}attn.proj', width, width)
        shapes |= _norm(f'{here}norm2', width)
        shapes |= _linear(f'{here}mlp.lin1', width, hidden) | _linear(f'{here}mlp.lin2', hidden, width)
    shapes |= {'neck.0.weight': (out, width, 1, 1)} | _norm('neck.1', out)
    shapes |= {'neck.2.weight': (out, out, 3, 3)} | _norm('neck.3', out)
    return {f'image_encoder.{name}': shape for name, shape in shapes.items()}


def sam_other_shapes() -> Shapes:
    """Of SAM's prompt encoder and mask decoder, which are the same for every size."""
    shapes = {'prompt_encoder.pe_layer.positional_encoding_gaussian_matrix': (2, 128)}
    for name in (*(f'point_embeddings.{point}' for point in range(4)), 'not_a_point_embed', 'no_mask_embed'):
        shapes[f'prompt_encoder.{name}.weight'] = (1, 256)
    downscaling = 'prompt_encoder.mask_downscaling'
    shapes |= {f'{downscaling}.0.weight': (4, 1, 2, 2), f'{downscaling}.0.bias': (4,)} | _norm(f'{downscaling}.1', 4)
    shapes |= {f'{downscaling}.3.weight': (16, 4, 2, 2), f'{downscaling}.3.bias': (16,)} | _norm(f'{downscaling}.4', 16)
    shapes |= {f'{downscaling}.6.weight': (256, 16, 1, 1), f'{downscaling}.6.bias': (256,)}
    decoder = 'mask_decoder'
    for layer in range(2):
        here = f'{decoder}.transformer.layers.{layer}'
        shapes |= _attention(f'{here}.self_attn', 256)
        shapes |= _attention(f'{here}.cross_attn_token_to_image', 128)
        shapes |= _attention(f'{here}.cross_attn_image_to_token', 128)
        shapes |= _linear(f'{here}.mlp.lin1', 256, 2048) | _linear(f'{here}.mlp.lin2', 2048, 256)
        for norm in range(1, 5):
            shapes |= _norm(f'{here}.norm{norm}', 256)
    shapes |= _attention(f'{decoder}.transformer.final_attn_token_to_image', 128)
    shapes |= _norm(f'{decoder}.transformer.norm_final_attn', 256)
    shapes |= {f'{decoder}.iou_token.weight': (1, 256), f'{decoder}.mask_tokens.weight': (4, 256)}
    upscaling = f'{decoder}.output_upscaling'
    shapes |= {f'{upscaling}.0.weight': (256, 64, 2, 2), f'{upscaling}.0.bias': (64,)} | _norm(f'{upscaling}.1', 64)
    shapes |= {f'{upscaling}.3.weight': (64, 32, 2, 2), f'{upscaling}.3.bias': (32,)}
    for token in range(4):
        for layer, width in enumerate((256, 256, 32)):
            shapes |= _linear(f'{decoder}.output_hypernetworks_mlps.{token}.layers.{layer}', 256, width)
    for layer, width in enumerate((256, 256, 4)):
        shapes |= _linear(f'{decoder}.iou_prediction_head.layers.{layer}', 256, width)
    return shapes


def sam_features(image: Tensor, weights: Weights, heads: int, window: int, global_blocks: tuple) -> Tensor:
    """Image (3, H, W) to features (out, H / patch, W / patch)."""
    prefix = 'image_encoder.'
    kernel, bias = (weights[f'{prefix}patch_embed.proj.{part}'] for part in ('weight', 'bias'))
    tokens = F.conv2d(image[None], kernel, bias, stride=kernel.shape[-1])[0].permute(1, 2, 0)
    tokens = tokens + weights[f'{prefix}pos_embed'][0]
    block = 0
    while f'{prefix}blocks.{block}.norm1.weight' in weights:
        here = f'{prefix}blocks.{block}.'
        attend = _attention_of(weights, f'{here}attn.', heads)
        normed = _layer_norm(tokens, weights, f'{here}norm1')
        tokens = tokens + (attend(normed) if block in global_blocks else _in_windows(attend, normed, window))
        hidden = F.gelu(_project(_layer_norm(tokens, weights, f'{here}norm2'), weights, f'{here}mlp.lin1'))
        tokens = tokens + _project(hidden, weights, f'{here}mlp.lin2')
        block += 1
    features = tokens @ weights[f'{prefix}neck.0.weight'][:, :, 0, 0].T
    features = _layer_norm(features, weights, f'{prefix}neck.1').permute(2, 0, 1)
    features = F.conv2d(features[None], weights[f'{prefix}neck.2.weight'], padding=1)[0].permute(1, 2, 0)
    return _layer_norm(features, weights, f'{prefix}neck.3').permute(2, 0, 1)


def _attention_of(weights: Weights, here: str, heads: int) -> Callable[[Tensor], Tensor]:
    """Attention over all tokens of a map (h, w, C), with a bias for the row offset and one for the column offset."""
    along_rows, along_columns = weights[f'{here}rel_pos_h'], weights[f'{here}rel_pos_w']
    qkv, qkv_bias = weights[f'{here}qkv.weight'], weights[f'{here}qkv.bias']
    out, out_bias = weights[f'{here}proj.weight'], weights[f'{here}proj.bias']

    def attend(tokens: Tensor) -> Tensor:
        rows, columns, width = tokens.shape
        row, column = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing='ij')
        row, column = row.flatten(), column.flatten()
        row_offset = along_rows[row[:, None] - row[None] + rows - 1]
        column_offset = along_columns[column[:, None] - column[None] + columns - 1]
        found = []
        queries, keys, values = (tokens.reshape(-1, width) @ qkv.T + qkv_bias).split(width, dim=1)
        for query, key, value in zip(*(each.chunk(heads, dim=1) for each in (queries, keys, values)), strict=True):
            scores = query @ key.T / math.sqrt(width // heads)
            scores = scores + (query[:, None] * (row_offset + column_offset)).sum(-1)
            found.append(scores.softmax(-1) @ value)
        return (torch.cat(found, 1) @ out.T + out_bias).view(rows, columns, width)

    return attend


def _in_windows(attend: Callable[[Tensor], Tensor], tokens: Tensor, window: int) -> Tensor:
    """Each window by itself; those at the right and bottom are filled up with zeros."""
    rows, columns, _ = tokens.shape
    padded = F.pad(tokens, (0, 0, 0, -columns % window, 0, -rows % window))
    result = torch.empty_like(padded)
    for top in range(0, padded.shape[0], window):
        for left in range(0, padded.shape[1], window):
            here = slice(top, top + window), slice(left, left + window)
            result[here] = attend(padded[here])
    return result[:rows, :columns]


def _layer_norm(tokens: Tensor, weights: Weights, name: str) -> Tensor:
    centred = tokens - tokens.mean(-1, keepdim=True)
    variance = (centred**2).mean(-1, keepdim=True)
    return centred / (variance + 1e-6).sqrt() * weights[f'{name}.weight'] + weights[f'{name}.bias']


def _project(tokens: Tensor, weights: Weights, name: str) -> Tensor:
    return tokens @ weights[f'{name}.weight'].T + weights[f'{name}.bias']


def _linear(name: str, inputs: int, outputs: int) -> Shapes:
    return {f'{name}.weight': (outputs, inputs), f'{name}.bias': (outputs,)}


def _norm(name: str, width: int) -> Shapes:
    return {f'{name}.weight': (width,), f'{name}.bias': (width,)}


def _attention(name: str, width: int) -> Shapes:
    shapes = _linear(f'{name}.out_proj', width, 256)
    for part in 'qkv':
        shapes |= _linear(f'{name}.{part}_proj', 256, width)
    return shapes


# --- HRNet


def hrnet_shapes(width: int, maps: int = 1) -> Shapes:
    """Of the trunk, whose last module gives so many maps."""
    shapes = _conv_bn('conv1', 'bn1', 3, 64, 3) | _conv_bn('conv2', 'bn2', 64, 64, 3)
    for block in range(4):
        here = f'layer1.{block}.'
        shapes |= _conv_bn(f'{here}conv1', f'{here}bn1', 256 if block else 64, 64, 1)
        shapes |= _conv_bn(f'{here}conv2', f'{here}bn2', 64, 64, 3) | _conv_bn(f'{here}conv3', f'{here}bn3', 64, 256, 1)
    shapes |= _conv_bn('layer1.0.downsample.0', 'layer1.0.downsample.1', 64, 256, 1)
    shapes |= _conv_bn('transition1.0.0', 'transition1.0.1', 256, width, 3)
    widths = [width * 2**branch for branch in range(4)]
    for branches, modules in ((2, 1), (3, 4), (4, 3)):
        before = widths[branches - 2] if branches > 2 else 256
        here = f'transition{branches - 1}.{branches - 1}.0.'
        shapes |= _conv_bn(f'{here}0', f'{here}1', before, widths[branches - 1], 3)
        for module in range(modules):
            last = branches == 4 and module == modules - 1
            shapes |= _module_shapes(f'stage{branches}.{module}.', widths[:branches], maps if last else branches)
    return shapes


def _module_shapes(here: str, widths: list[int], maps: int) -> Shapes:
    shapes = {}
    for branch, width in enumerate(widths):
        for block in range(4):
            for conv in (1, 2):
                name = f'{here}branches.{branch}.{block}.'
                shapes |= _conv_bn(f'{name}conv{conv}', f'{name}bn{conv}', width, width, 3)
    for target in range(maps):
        for source in range(len(widths)):
            name = f'{here}fuse_layers.{target}.{source}.'
            if source > target:
                shapes |= _conv_bn(f'{name}0', f'{name}1', widths[source], widths[target], 1)
            for step in range(target - source):
                width = widths[target if step == target - source - 1 else source]
                shapes |= _conv_bn(f'{name}{step}.0', f'{name}{step}.1', widths[source], width, 3)
    return shapes


def hrnet_features(image: Tensor, weights: Weights) -> Tensor:
    """Image (3, H, W) to the last stage's first map (width, H / 4, W / 4)."""
    features = _convolved(image[None], weights, 'conv1', 'bn1', 2).relu()
    features = _convolved(features, weights, 'conv2', 'bn2', 2).relu()
    for block in range(4):
        features = _residual_block(features, weights, f'layer1.{block}.', 3)
    maps = [_convolved(features, weights, 'transition1.0.0', 'transition1.0.1').relu()]
    for branches, modules in ((2, 1), (3, 4), (4, 3)):
        here = f'transition{branches - 1}.{branches - 1}.0.'
        source = maps[-1] if branches > 2 else features
        maps.append(_convolved(source, weights, f'{here}0', f'{here}1', 2).relu())
        for module in range(modules):
            maps = _module(maps, weights, f'stage{branches}.{module}.')
    return maps[0][0]


def _module(maps: list[Tensor], weights: Weights, here: str) -> list[Tensor]:
    for branch in range(len(maps)):
        for block in range(4):
            maps[branch] = _residual_block(maps[branch], weights, f'{here}branches.{branch}.{block}.', 2)
    targets = [target for target in range(len(maps)) if any(f'{here}fuse_layers.{target}.' in name for name in weights)]
    return [
        sum(_fused(maps, weights, f'{here}fuse_layers.{target}.', source, target) for source in range(len(maps))).relu()
        for target in targets
    ]


def _fused(maps: list[Tensor], weights: Weights, here: str, source: int, target: int) -> Tensor:
    """A map brought to the width and size of another: larger by repeating its cells, smaller by strides."""
    features = maps[source]
    if source > target:
        features = _convolved(features, weights, f'{here}{source}.0', f'{here}{source}.1')
        times = 2 ** (source - target)
        return features.repeat_interleave(times, 2).repeat_interleave(times, 3)
    for step in range(target - source):
        features = _convolved(features, weights, f'{here}{source}.{step}.0', f'{here}{source}.{step}.1', 2)
        if step < target - source - 1:
            features = features.relu()
    return features


def _residual_block(features: Tensor, weights: Weights, here: str, convolutions: int) -> Tensor:
    result = features
    for number in range(1, convolutions + 1):
        result = _convolved(result, weights, f'{here}conv{number}', f'{here}bn{number}')
        if number < convolutions:
            result = result.relu()
    if f'{here}downsample.0.weight' in weights:
        features = _convolved(features, weights, f'{here}downsample.0', f'{here}downsample.1')
    return (features + result).relu()


def _convolved(features: Tensor, weights: Weights, conv: str, norm: str, stride: int = 1) -> Tensor:
    kernel = weights[f'{conv}.weight']
    features = F.conv2d(features, kernel, stride=stride, padding=kernel.shape[-1] // 2)
    mean, var, scale, shift = (
        weights[f'{norm}.{part}'][:, None, None] for part in ('running_mean', 'running_var', 'weight', 'bias')
    )
    return (features - mean) / (var + 1e-5).sqrt() * scale + shift


def _conv_bn(conv: str, norm: str, inputs: int, outputs: int, kernel: int) -> Shapes:
    shapes = {f'{conv}.weight': (outputs, inputs, kernel, kernel)}
    shapes |= {f'{norm}.{part}': (outputs,) for part in ('weight', 'bias', 'running_mean', 'running_var')}
    return shapes | {f'{norm}.num_batches_tracked': ()}
