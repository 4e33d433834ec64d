"""MVSS-Net in plain torch, by the names of its released files.

Written from the published architecture: Chen et al., ICCV 2021; He et al., 2016 (ResNet); Fu et al., 2019 (DANet);
Bayar and Stamm, 2018.
"""

from collections.abc import Sequence

import numpy as np
import torch
from released_rule import by_rule
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

Shapes = dict[str, tuple[int, ...]]
BLOCKS = (3, 4, 6, 3)
SOBEL = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])


def released_shapes(base: int = 64, classes: int = 1000) -> Shapes:
    """Of all tensors; ``base`` is the width of the ResNets' stem."""
    wide = 32 * base
    shapes = _resnet('model.', base, classes)
    for level in range(1, 5):
        width = wide >> (4 - level)
        for axis in 'xy':
            shapes[f'sobel_{axis}{level}.0.weight'] = (1, width, 3, 3)
            shapes |= _norm(f'sobel_{axis}{level}.1', 1)
        shapes |= _edge_block(f'erb_db_{level}', width)
        shapes |= _edge_block(f'erb_trans_{level}', 1) if level < 4 else {}
    shapes |= {'constrain_conv.kernel': (1, 3, 24)} | _resnet('noise_extractor.model.', base, classes)
    inner = 2 * wide // 4
    for branch in 'pc':
        for number, inputs in ((1, 2 * wide), (2, inner)):
            shapes[f'head.conv_{branch}{number}.0.weight'] = (inner, inputs, 3, 3)
            shapes |= _norm(f'head.conv_{branch}{number}.1', inner)
    for part, width in (('b', inner // 8), ('c', inner // 8), ('d', inner)):
        shapes |= _conv(f'head.pam.conv_{part}', (width, inner, 1, 1))
    return shapes | {'head.pam.alpha': (1,), 'head.cam.beta': (1,)} | _conv('head.out.1', (1, inner, 1, 1))


def not_by_rule(name: str, shape: Sequence[int]) -> np.ndarray | None:
    """The Sobel filters are fixed, and the sums of the Bayar kernel are not near 0."""
    if name.startswith('sobel_') and name.endswith('.0.weight'):
        return np.array(np.broadcast_to(SOBEL if name[6] == 'x' else SOBEL.T, shape))
    return np.abs(by_rule(name, shape, 1.0)) + 0.01 if name == 'constrain_conv.kernel' else None


def score_maps(image: Tensor, weights: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """BGR (3, H, W) in 0..255, sides of multiples of 16, to the logits of forged (H, W) and of edges (H/4, W/4)."""
    net = _Net(weights)
    image = image[None] / 255
    mean, std = (image.new_tensor(each)[:, None, None] for each in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    image = (image - mean) / std
    maps = net.resnet(image, 'model.')
    blue, green, red = image.split(1, dim=1)
    kernel = weights['constrain_conv.kernel'][0]
    kernel = kernel / kernel.sum(1, keepdim=True)
    kernel = torch.cat([kernel[:, :12], -torch.ones_like(kernel[:, :1]), kernel[:, 12:]], 1).view(3, 1, 5, 5)
    grey = 0.2989 * red + 0.5870 * green + 0.1140 * blue
    noise = net.resnet(F.conv2d(grey, kernel, padding=2), 'noise_extractor.model.')[-1]
    features = torch.cat([maps[-1], noise], 1)
    return net.attention(features, image.shape[2:])[0, 0], net.edges(maps)[0, 0]


class _Net:
    """The parts, by the names of their tensors."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        self.weights = weights

    def conv(self, values: Tensor, name: str, **options: int) -> Tensor:
        return F.conv2d(values, self.weights[f'{name}.weight'], self.weights.get(f'{name}.bias'), **options)

    def norm(self, values: Tensor, name: str) -> Tensor:
        mean, var, scale, shift = (
            self.weights[f'{name}.{part}'][:, None, None] for part in ('running_mean', 'running_var', 'weight', 'bias')
        )
        return (values - mean) / (var + 1e-5).sqrt() * scale + shift

    def resnet(self, values: Tensor, here: str) -> list[Tensor]:
        values = self.norm(self.conv(values, f'{here}conv1', stride=2, padding=3), f'{here}bn1').relu()
        values, found = F.max_pool2d(values, 3, 2, 1), []
        for layer, stride in enumerate((1, 2, 2, 1), 1):
            for block in range(BLOCKS[layer - 1]):
                at, step = f'{here}layer{layer}.{block}.', stride if block == 0 else 1
                dilation = (1, 2, 4)[block] if layer == 4 else 1
                inner = self.norm(self.conv(values, f'{at}conv1'), f'{at}bn1').relu()
                inner = self.conv(inner, f'{at}conv2', stride=step, padding=dilation, dilation=dilation)
                inner = self.norm(inner, f'{at}bn2').relu()
                inner = self.norm(self.conv(inner, f'{at}conv3'), f'{at}bn3')
                if block == 0:
                    values = self.norm(self.conv(values, f'{at}downsample.0', stride=step), f'{at}downsample.1')
                values = (inner + values).relu()
            found.append(values)
        return found

    def attention(self, features: Tensor, size: Sequence[int]) -> Tensor:
        def inwards(name: str, values: Tensor) -> Tensor:
            return self.norm(self.conv(values, f'head.{name}.0', padding=1), f'head.{name}.1').relu()

        places = inwards('conv_p1', features)
        query, key, value = (self.conv(places, f'head.pam.conv_{part}')[0].flatten(1) for part in 'bcd')
        seen = value @ (query.T @ key).softmax(1).T
        places = self.weights['head.pam.alpha'] * seen.view_as(places) + places
        channels = inwards('conv_c1', features)
        rows = channels[0].flatten(1)
        alike = rows @ rows.T
        seen = (alike.amax(1, keepdim=True) - alike).softmax(1) @ rows
        channels = self.weights['head.cam.beta'] * seen.view_as(channels) + channels
        logit = self.conv(inwards('conv_p2', places) + inwards('conv_c2', channels), 'head.out.1')
        return F.interpolate(logit, size=tuple(size), mode='bilinear', align_corners=True)

    def edges(self, maps: list[Tensor]) -> Tensor:
        found = []
        for level, values in enumerate(maps, 1):
            squares = 0
            for axis in 'xy':
                here = f'sobel_{axis}{level}'
                squares = squares + self.norm(self.conv(values, f'{here}.0', padding=1), f'{here}.1') ** 2
            found.append(self.edge_block(values * squares.sqrt().sigmoid(), f'erb_db_{level}').relu())
        edge = found[0]
        for level in (1, 2, 3):
            other = F.interpolate(found[level], size=edge.shape[2:], mode='bilinear', align_corners=True)
            edge = self.edge_block(edge + other, f'erb_trans_{level}')
            edge = edge.relu() if level < 3 else edge
        return edge

    def edge_block(self, values: Tensor, here: str) -> Tensor:
        values = self.conv(values, f'{here}.conv1')
        inner = self.norm(self.conv(values, f'{here}.conv2', padding=1), f'{here}.bn').relu()
        return values + self.conv(inner, f'{here}.conv3', padding=1)


def _resnet(here: str, base: int, classes: int) -> Shapes:
    shapes = {'conv1.weight': (base, 3, 7, 7)} | _norm('bn1', base)
    before = base
    for layer, count in enumerate(BLOCKS, 1):
        width = base << (layer - 1)
        for block in range(count):
            at = f'layer{layer}.{block}.'
            for number, shape in enumerate(((width, before, 1), (width, width, 3), (4 * width, width, 1)), 1):
                shapes[f'{at}conv{number}.weight'] = (*shape[:2], shape[2], shape[2])
                shapes |= _norm(f'{at}bn{number}', shape[0])
            if block == 0:
                shapes[f'{at}downsample.0.weight'] = (4 * width, before, 1, 1)
                shapes |= _norm(f'{at}downsample.1', 4 * width)
            before = 4 * width
    shapes |= {'fc.weight': (classes, before), 'fc.bias': (classes,)}
    return {f'{here}{name}': shape for name, shape in shapes.items()}


def _edge_block(here: str, width: int) -> Shapes:
    shapes = _conv(f'{here}.conv1', (1, width, 1, 1)) | _norm(f'{here}.bn', 1)
    return shapes | _conv(f'{here}.conv2', (1, 1, 3, 3)) | _conv(f'{here}.conv3', (1, 1, 3, 3))


def _conv(name: str, shape: tuple[int, ...]) -> Shapes:
    return {f'{name}.weight': shape, f'{name}.bias': shape[:1]}


def _norm(name: str, width: int) -> Shapes:
    shapes = {f'{name}.{part}': (width,) for part in ('weight', 'bias', 'running_mean', 'running_var')}
    return shapes | {f'{name}.num_batches_tracked': ()}
