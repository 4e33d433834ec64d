"""PSCC-Net's and CAT-Net's HRNet in plain torch, from the names of a released state dict alone.

Written from the published architecture (Wang et al. 2020): no module of the package or of mmseg is used.
"""

import re
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

Weights = Mapping[str, Tensor]


def convolved(x: Tensor, weights: Weights, conv: str, norm: str, stride: int = 1, dilation: int = 1) -> Tensor:
    """A convolution that keeps the size, but for its stride, and batch norm by its statistics."""
    kernel = weights[f'{conv}.weight']
    padding = kernel.shape[-1] // 2 * dilation
    x = F.conv2d(x, kernel, weights.get(f'{conv}.bias'), stride, padding, dilation)
    mean, var, scale, shift = (
        weights[f'{norm}.{part}'][:, None, None] for part in ('running_mean', 'running_var', 'weight', 'bias')
    )
    return (x - mean) / (var + 1e-5).sqrt() * scale + shift


def residual(x: Tensor, weights: Weights, here: str) -> Tensor:
    """A block of two or three convolutions."""
    result = x
    count = sum(f'{here}.conv{number}.weight' in weights for number in (1, 2, 3))
    for number in range(1, count + 1):
        result = convolved(result, weights, f'{here}.conv{number}', f'{here}.bn{number}')
        result = result.relu() if number < count else result
    if f'{here}.downsample.0.weight' in weights:
        x = convolved(x, weights, f'{here}.downsample.0', f'{here}.downsample.1')
    return (x + result).relu()


def blocks(x: Tensor, weights: Weights, here: str) -> Tensor:
    """Residual blocks one after another."""
    for number in range(_count(weights, here)):
        x = residual(x, weights, f'{here}.{number}')
    return x


def stage(maps: list[Tensor], weights: Weights, here: str, align_corners: bool) -> list[Tensor]:
    """Modules one after another: branches, then each map gets all others at its own size."""
    for module in range(_count(weights, here)):
        name = f'{here}.{module}'
        maps = [blocks(each, weights, f'{name}.branches.{branch}') for branch, each in enumerate(maps)]
        maps = [_fused(maps, weights, f'{name}.fuse_layers', target, align_corners) for target in range(len(maps))]
    return maps


def hrnet(x: Tensor, weights: Weights, strides: tuple[int, int], align_corners: bool) -> list[Tensor]:
    """Four maps of an input (N, 3, H, W)."""
    for number, stride in zip((1, 2), strides, strict=True):
        x = convolved(x, weights, f'conv{number}', f'bn{number}', stride).relu()
    x = blocks(x, weights, 'layer1')
    maps = [
        convolved(x, weights, 'transition1.0.0', 'transition1.0.1').relu(),
        convolved(x, weights, 'transition1.1.0.0', 'transition1.1.0.1', 2).relu(),
    ]
    maps = stage(maps, weights, 'stage2', align_corners)
    for branch in (2, 3):
        name = f'transition{branch}.{branch}.0'
        maps.append(convolved(maps[-1], weights, f'{name}.0', f'{name}.1', 2).relu())
        maps = stage(maps, weights, f'stage{branch + 1}', align_corners)
    return maps


def _fused(maps: list[Tensor], weights: Weights, here: str, target: int, align_corners: bool) -> Tensor:
    total = torch.zeros_like(maps[target])
    for source, each in enumerate(maps):
        name = f'{here}.{target}.{source}'
        if source > target:
            each = convolved(each, weights, f'{name}.0', f'{name}.1')
            each = F.interpolate(each, maps[target].shape[2:], mode='bilinear', align_corners=align_corners)
        for step in range(target - source):
            each = convolved(each, weights, f'{name}.{step}.0', f'{name}.{step}.1', 2)
            each = each.relu() if step < target - source - 1 else each
        total = total + each
    return total.relu()


def _count(weights: Weights, here: str) -> int:
    """How many numbered parts a name has."""
    numbered = re.compile(re.escape(here) + r'\.(\d+)\.')
    found = {int(match[1]) for match in map(numbered.match, weights) if match}
    assert found == set(range(len(found))) and found, here
    return len(found)
