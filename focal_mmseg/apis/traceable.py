"""Parts of networks in a form that a tracer can follow for images of every size.

A trace keeps the branches and the loops that its example took. Where a part decides by the size of a map, its form here
computes the same with tensors alone.
"""

import copy
from collections.abc import Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.models.backbones.self_correlation import NEIGHBOURS, SelfCorrelation
from focal_mmseg.models.necks import MixLevels

Network = TypeVar('Network', bound=nn.Module)
# Maps are pooled at most by this: those of SelfCorrelation with its 4,096 points then have up to 2,048 a side.
MOST_POOLING = 32


def make_traceable(network: Network) -> Network:
    """A copy of a network whose parts a tracer can follow.

    Args:
        network (nn.Module): Is left as it is.

    Returns:
        nn.Module: On the CPU, in evaluation mode, without gradients.
    """
    network = copy.deepcopy(network).cpu().eval().requires_grad_(False)
    for module in network.modules():
        # The parameters stay, the way through them changes.
        if type(module) in FORMS:
            module.__class__ = FORMS[type(module)]
    return network


class _SelfCorrelation(SelfCorrelation):
    """Of one image, all similarities at once, so that memory is the square of ``max_points``."""

    def _correlate_image(self, features: Tensor) -> Tensor:
        size = features.shape[1:]
        factor = self._factor(size)
        rows, columns = (_squares(side, factor, features) for side in size)
        features = F.normalize(rows @ features @ columns.T, dim=0)
        height, width = features.shape[1:]
        points = features.flatten(1)
        near = self._near(height, features.device)[:, None, :, None] & self._near(width, features.device)[None, :, None]
        similarities = (points.T @ points).masked_fill(near.reshape(height * width, height * width), -1)
        # As many columns more as matches are kept: a small map has fewer points.
        found = F.pad(similarities, (0, self.matches), value=-1.0).topk(self.matches, dim=1)
        place = similarities.argmax(1).reshape(height, width)
        offsets = torch.stack(
            [place // width - torch.arange(height)[:, None], place % width - torch.arange(width)[None]]
        )
        kept = found.values.T.reshape(self.matches, height, width)
        maps = torch.cat([kept, _consistency(offsets.float())[None]])
        return F.interpolate(maps[None], size, mode='bilinear', align_corners=False)[0]

    def _factor(self, size: Sequence[int]) -> Tensor:
        """``pooling_factor`` as a tensor."""
        factors = torch.arange(1, MOST_POOLING + 1)
        height, width = ((side + factors - 1) // factors for side in size)
        return 1 + (height * width > self.max_points).sum()


def _squares(side: int, factor: Tensor, like: Tensor) -> Tensor:
    """Which points of a row belong to which cell: 0 and 1, of shape (ceil(side / factor), side)."""
    # A tracer keeps a tensor as the end of a range, which torch takes though its stubs do not say so.
    end: Any = (side + factor - 1) // factor
    cell = torch.arange(side) // factor
    return (torch.arange(end)[:, None] == cell).to(like.dtype)


def _consistency(offsets: Tensor) -> Tensor:
    """What ``self_correlation.consistency`` gives, by shifts in place of unfolding."""
    height, width = offsets.shape[1:]
    padded = F.pad(offsets[None], (NEIGHBOURS // 2,) * 4, value=float('inf'))[0]
    same = [
        ((padded[:, row : row + height, column : column + width] - offsets).abs() <= 1).all(0)
        for row in range(NEIGHBOURS)
        for column in range(NEIGHBOURS)
    ]
    return (torch.stack(same).float().sum(0) - 1) / (NEIGHBOURS**2 - 1)


class _MixLevels(MixLevels):
    """Larger maps are averaged over squares, whose side the example tells."""

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor]:
        size = inputs[self.index].shape[2:]
        resized = [_at(level(each), size) for level, each in zip(self.levels, inputs, strict=True)]
        return (self.convs(torch.cat(resized, dim=1)),)


def _at(x: Tensor, size: Sequence[int]) -> Tensor:
    factors = [int(side) / int(wanted) for side, wanted in zip(x.shape[2:], size, strict=True)]
    if factors == [1, 1]:
        return x
    if factors[0] > 1:
        if factors[0] != factors[1] or factors[0] % 1:
            raise ValueError('MixLevels is exported where larger maps are a whole number of times as large')
        return F.avg_pool2d(x, int(factors[0]))
    return F.interpolate(x, size, mode='bilinear', align_corners=False)


FORMS = {SelfCorrelation: _SelfCorrelation, MixLevels: _MixLevels}
