"""CAT-Net in plain torch, from the names of its released file, and its reader; no module of the package is used."""

from pathlib import Path

import jpeglib
import numpy as np
import torch
from peer_hrnet import Weights, blocks, convolved, hrnet, stage
from PIL import Image
from torch import Tensor
from torch.nn import functional as F  # noqa: N812


def read(path: Path, folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """RGB (H, W, 3), luma coefficients in whole blocks, table (8, 8): of a JPEG, or of one made of the file."""
    with Image.open(path) as image:
        is_jpeg, pixels = image.format == 'JPEG', image.convert('RGB')
    if not is_jpeg:
        path = folder / 'as_jpeg.jpg'
        pixels.save(path, quality=100, subsampling=0)
        pixels = Image.open(path)
    found = jpeglib.read_dct(str(path))
    rows, columns = found.Y.shape[:2]
    plane = np.zeros((8 * rows, 8 * columns))
    for row in range(rows):
        for column in range(columns):
            plane[8 * row : 8 * row + 8, 8 * column : 8 * column + 8] = found.Y[row, column]
    return np.asarray(pixels.convert('RGB')), plane, np.asarray(found.get_component_qt(0))


def catnet(rgb: np.ndarray, plane: np.ndarray, table: np.ndarray, weights: Weights) -> tuple[Tensor, Tensor]:
    """What :func:`read` gives to logits (2, h, w) at 1/4 and forged scores (H, W), float64."""
    height, width = plane.shape
    pixels = np.full((height, width, 3), 127.5)
    pixels[: rgb.shape[0], : rgb.shape[1]] = rgb
    x = torch.from_numpy((pixels - 127.5) / 127.5).permute(2, 0, 1)[None]
    first, *others = hrnet(x, weights, (2, 2), False)
    jpeg = _forward_jpeg(torch.from_numpy(plane), torch.from_numpy(table).double(), weights)
    maps = [first, *(torch.cat(pair, 1) for pair in zip(others, jpeg, strict=True))]
    maps = [convolved(x, weights, f'transition4.{n}.0', f'transition4.{n}.1').relu() for n, x in enumerate(maps)]
    maps = stage(maps, weights, 'stage5', False)
    maps = [F.interpolate(each, maps[0].shape[2:], mode='bilinear', align_corners=False) for each in maps]
    x = convolved(torch.cat(maps, 1), weights, 'last_layer.0', 'last_layer.1').relu()
    logits = F.conv2d(x, weights['last_layer.3.weight'], weights['last_layer.3.bias'])
    scores = F.interpolate(logits, (height, width), mode='bilinear', align_corners=False).softmax(1)
    return logits[0], scores[0, 1, : rgb.shape[0], : rgb.shape[1]]


def _forward_jpeg(plane: Tensor, table: Tensor, weights: Weights) -> list[Tensor]:
    magnitude = plane.abs()
    volume = torch.stack([*(magnitude == number for number in range(20)), magnitude >= 20]).double()[None]
    x = convolved(volume, weights, 'dc_layer0_dil.0', 'dc_layer0_dil.1', dilation=8).relu()
    x = convolved(x, weights, 'dc_layer1_tail.0', 'dc_layer1_tail.1').relu()[0]
    width, rows, columns = x.shape[0], plane.shape[0] // 8, plane.shape[1] // 8
    places = torch.zeros(2, width, 64, rows, columns, dtype=torch.float64)
    for row in range(8):
        for column in range(8):
            places[0, :, 8 * row + column] = x[:, row::8, column::8]
            places[1, :, 8 * row + column] = x[:, row::8, column::8] * table[row, column]
    first = blocks(places.reshape(1, -1, rows, columns), weights, 'dc_layer2')
    maps = [first, convolved(first, weights, 'dc_transition2.1.0.0', 'dc_transition2.1.0.1', 2).relu()]
    maps = stage(maps, weights, 'dc_stage3', False)
    maps.append(convolved(maps[-1], weights, 'dc_transition3.2.0.0', 'dc_transition3.2.0.1', 2).relu())
    return stage(maps, weights, 'dc_stage4', False)
