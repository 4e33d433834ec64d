"""IF-OSN in plain torch, by the names of its released files.

Written from the published architecture: SENet-154 (Hu, Shen, Sun 2018) as encoder, and the decoder of Wu et al., CVPR
2022.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

Shapes = dict[str, tuple[int, ...]]
PREFIX = 'module.det_net.'
BLOCKS = (3, 8, 36, 3)


def detector_shapes(blocks: Sequence[int] = BLOCKS) -> Shapes:
    """Of the detector's file; ``blocks`` are those of the encoder's four stages."""
    shapes = {}
    for number, (before, after) in enumerate(((3, 64), (64, 64), (64, 128)), 1):
        shapes |= _conv_bn('encoder_stages.0.conv', 'encoder_stages.0.bn', number, (after, before, 3, 3))
    for stage, count in enumerate(blocks, 1):
        here = 'encoder_stages.1.1.' if stage == 1 else f'encoder_stages.{stage}.'
        planes = 32 << stage
        for block in range(count):
            before = (128 if stage == 1 else 2 * planes) if block == 0 else 4 * planes
            shapes |= _block(f'{here}{block}.', before, planes, (1 if stage == 1 else 3) if block == 0 else None)
    widths, beside, below = (384, 256, 128, 64), (1024, 512, 256, 128), (2048, 384, 256, 128)
    for step in range(4):
        width = widths[step]
        shapes |= _conv(f'decoder_stages.{3 - step}.layer.1', (width, below[step], 3, 3))
        shapes |= _conv(f'bottlenecks.{step}.seq.0', (width, width + beside[step], 3, 3))
        shapes |= _conv(f'bottlenecks.{step}.seq.2.fc1', (width // 2, width, 1, 1))
        shapes |= _conv(f'bottlenecks.{step}.seq.2.fc2', (width, width // 2, 1, 1))
        shapes[f'bottlenecks.{step}.seq.2.spatial_se.0.weight'] = (1, width, 1, 1)
    shapes |= _conv('last_upsample.layer.1', (32, 64, 3, 3)) | _conv('final.0', (1, 32, 1, 1))
    return {f'{PREFIX}{name}': shape for name, shape in shapes.items()}


def unet_shapes(width: int = 64) -> Shapes:
    """Of the noise U-Net's file, without its constants."""
    shapes, widths = {}, [width << level for level in range(5)]
    for level in range(5):
        before = widths[level - 1] if level else 3
        for index, inputs in ((0, before), (3, widths[level])):
            shapes |= _conv(f'Conv{level + 1}.conv.{index}', (widths[level], inputs, 3, 3))
            shapes |= _norm(f'Conv{level + 1}.conv.{index + 1}', widths[level])
    for level in range(5, 1, -1):
        after = widths[level - 2]
        shapes |= _conv(f'Up{level}.up.1', (after, 2 * after, 3, 3)) | _norm(f'Up{level}.up.2', after)
        for index, inputs in ((0, 2 * after), (3, after)):
            shapes |= _conv(f'Up_conv{level}.conv.{index}', (after, inputs, 3, 3))
            shapes |= _norm(f'Up_conv{level}.conv.{index + 1}', after)
    return shapes | _conv('Conv', (3, width, 1, 1))


def score_map(image: Tensor, weights: dict[str, Tensor]) -> Tensor:
    """RGB (3, H, W) in 0..255 to the forged score (H, W)."""
    weights = {name.removeprefix(PREFIX): value for name, value in weights.items()}

    def convolved(values: Tensor, name: str, norm: str | None = None, stride: int = 1, groups: int = 1) -> Tensor:
        kernel = weights[f'{name}.weight']
        bias = weights.get(f'{name}.bias')
        values = F.conv2d(values, kernel, bias, stride, kernel.shape[-1] // 2, groups=groups)
        if norm is None:
            return values
        mean, var, scale, shift = (
            weights[f'{norm}.{part}'][:, None, None] for part in ('running_mean', 'running_var', 'weight', 'bias')
        )
        return (values - mean) / (var + 1e-5).sqrt() * scale + shift

    values = (image[None] / 255 - 0.5) / 0.5
    for number in (1, 2, 3):
        here = 'encoder_stages.0.'
        values = convolved(values, f'{here}conv{number}', f'{here}bn{number}', 2 if number == 1 else 1).relu()
    levels = [values]
    for stage in range(1, 5):
        here, block = ('encoder_stages.1.1.' if stage == 1 else f'encoder_stages.{stage}.'), 0
        if stage == 1:
            values = _pooled(values)
        while f'{here}{block}.conv1.weight' in weights:
            at, stride = f'{here}{block}.', 2 if stage > 1 and block == 0 else 1
            inner = convolved(values, f'{at}conv1', f'{at}bn1').relu()
            inner = convolved(inner, f'{at}conv2', f'{at}bn2', stride, 64).relu()
            inner = convolved(inner, f'{at}conv3', f'{at}bn3')
            mean = inner.mean((2, 3), keepdim=True)
            mean = convolved(convolved(mean, f'{at}se_module.fc1').relu(), f'{at}se_module.fc2')
            if block == 0:
                values = convolved(values, f'{at}downsample.0', f'{at}downsample.1', stride)
            values = (inner * mean.sigmoid() + values).relu()
            block += 1
        levels.append(values)
    for step in range(4):
        values = convolved(_twice(values), f'decoder_stages.{3 - step}.layer.1').relu()
        values = torch.cat([_nearest(values, levels[3 - step].shape[2:]), levels[3 - step]], 1)
        values = convolved(values, f'bottlenecks.{step}.seq.0').relu()
        at = f'bottlenecks.{step}.seq.2.'
        channel = convolved(values.mean((2, 3), keepdim=True), f'{at}fc1').relu()
        channel = convolved(channel, f'{at}fc2').sigmoid()
        values = torch.maximum(values * channel, values * convolved(values, f'{at}spatial_se.0').sigmoid())
    values = convolved(_twice(values), 'last_upsample.layer.1').relu()
    return _nearest(convolved(values, 'final.0').sigmoid(), image.shape[1:])[0, 0]


def _pooled(values: Tensor) -> Tensor:
    """The greatest of 3x3 at every second point; windows that begin inside may end outside."""
    right, below = (2 * math.ceil((side - 3) / 2) + 3 - side for side in values.shape[:1:-1])
    filled = F.pad(values, (0, right, 0, below), value=-torch.inf)
    return filled.unfold(2, 3, 2).unfold(3, 3, 2).amax((-2, -1))


def _twice(values: Tensor) -> Tensor:
    return values.repeat_interleave(2, 2).repeat_interleave(2, 3)


def _nearest(values: Tensor, size: Sequence[int]) -> Tensor:
    rows, columns = (torch.arange(new) * old // new for new, old in zip(size, values.shape[2:], strict=True))
    return values[:, :, rows][:, :, :, columns]


def _block(here: str, before: int, planes: int, shortcut: int | None) -> Shapes:
    shapes = {}
    for number, shape in enumerate(
        ((2 * planes, before, 1, 1), (4 * planes, 2 * planes // 64, 3, 3), (4 * planes, 4 * planes, 1, 1)), 1
    ):
        shapes |= _conv_bn(f'{here}conv', f'{here}bn', number, shape)
    shapes |= _conv(f'{here}se_module.fc1', (planes // 4, 4 * planes, 1, 1))
    shapes |= _conv(f'{here}se_module.fc2', (4 * planes, planes // 4, 1, 1))
    if shortcut:
        shapes[f'{here}downsample.0.weight'] = (4 * planes, before, shortcut, shortcut)
        shapes |= _norm(f'{here}downsample.1', 4 * planes)
    return shapes


def _conv_bn(conv: str, norm: str, number: int, shape: tuple[int, ...]) -> Shapes:
    return {f'{conv}{number}.weight': shape} | _norm(f'{norm}{number}', shape[0])


def _conv(name: str, shape: tuple[int, ...]) -> Shapes:
    return {f'{name}.weight': shape, f'{name}.bias': shape[:1]}


def _norm(name: str, width: int) -> Shapes:
    shapes = {f'{name}.{part}': (width,) for part in ('weight', 'bias', 'running_mean', 'running_var')}
    return shapes | {f'{name}.num_batches_tracked': ()}
