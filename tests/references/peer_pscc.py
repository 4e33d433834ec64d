"""PSCC-Net in plain torch, from the names of its released files alone; no module of the package is used."""

import torch
from peer_hrnet import Weights, convolved, hrnet, residual
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

GATHERED = {1: 4, 2: 2, 3: 2, 4: 1}


def pscc(image: Tensor, weights: Weights, side: int = 256) -> tuple[list[Tensor], Tensor]:
    """Image (N, 3, H, W) in [0, 1] to its masks, finest first, and the detector's logits; no prefix before names."""
    return pscc_heads(hrnet(image, weights, (1, 1), True), weights, side)


def pscc_heads(maps: list[Tensor], weights: Weights, side: int = 256) -> tuple[list[Tensor], Tensor]:
    """Maps, finest first, to masks and the detector's logits."""
    squares = [_resized(each, side // 2**scale) for scale, each in enumerate(maps)]
    masks = {}
    for scale in (4, 3, 2, 1):
        x = squares[scale - 1]
        if scale < 4:
            x = x * _resized(masks[scale + 1], x.shape[-1])
        masks[scale] = _mask(x, weights, f'getmask{scale}', GATHERED[scale])
    y = residual(squares[0], weights, 'incre_modules.0.0')
    for scale in (0, 1, 2):
        smaller = F.conv2d(
            y, weights[f'downsamp_modules.{scale}.0.weight'], weights[f'downsamp_modules.{scale}.0.bias'], 2, 1
        )
        smaller = _normed(smaller, weights, f'downsamp_modules.{scale}.1').relu()
        y = residual(squares[scale + 1], weights, f'incre_modules.{scale + 1}.0') + smaller
    y = convolved(y, weights, 'final_layer.0', 'final_layer.1').relu().mean(dim=(2, 3))
    y = (y @ weights['classifier.0.weight'].T + weights['classifier.0.bias']).relu()
    return [masks[scale] for scale in (1, 2, 3, 4)], y @ weights['classifier.2.weight'].T + weights['classifier.2.bias']


def _mask(x: Tensor, weights: Weights, here: str, r: int) -> Tensor:
    """The six steps of a mask, image by image."""
    found = []
    for one in x:
        c, h, w = one.shape
        flat = one.contiguous().view(c * r * r, h * w // (r * r))
        g, theta, phi = (
            weights[f'{here}.{name}.weight'][:, :, 0, 0] @ flat + weights[f'{here}.{name}.bias'][:, None]
            for name in ('g', 'theta', 'phi')
        )
        places = torch.softmax(theta.T @ phi, dim=1) @ g.T
        spatial = places.T.contiguous().view(c, h, w)
        channels = (g.T @ torch.softmax(theta @ phi.T, dim=1)).contiguous().view(c, h, w)
        z = one
        for name, attended in (('s', spatial), ('c', channels)):
            kernel, bias = weights[f'{here}.W_{name}.weight'], weights[f'{here}.W_{name}.bias']
            z = z + weights[f'{here}.gamma_{name}'] * F.conv2d(attended[None], kernel, bias)[0]
        hidden = F.conv2d(z[None], weights[f'{here}.getmask.0.weight'], weights[f'{here}.getmask.0.bias'], padding=1)
        found.append(
            F.conv2d(
                hidden.relu(), weights[f'{here}.getmask.2.weight'], weights[f'{here}.getmask.2.bias'], padding=1
            ).sigmoid()
        )
    return torch.cat(found)


def _normed(x: Tensor, weights: Weights, here: str) -> Tensor:
    mean, var, scale, shift = (
        weights[f'{here}.{part}'][:, None, None] for part in ('running_mean', 'running_var', 'weight', 'bias')
    )
    return (x - mean) / (var + 1e-5).sqrt() * scale + shift


def _resized(x: Tensor, side: int) -> Tensor:
    return F.interpolate(x, size=(side, side), mode='bilinear', align_corners=True)
