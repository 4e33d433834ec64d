"""What an image shows twice."""

import torch
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from mmseg.utils import ConfigType, OptConfigType
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.clustering.map_size import pooling_factor

# Similarities that are held at once, about.
MOST_SIMILARITIES = 2**24
NEIGHBOURS = 3


class SelfCorrelation(BaseModule):
    """How well each point of a feature map is matched elsewhere in the same image: what a copy-move leaves.

    Features are projected, centred over the image and brought to unit length. Of each point's similarities to the
    points farther away than ``margin``, the ``matches`` highest are kept. Copied regions match point by point at one
    offset, so one more channel says how many of a point's eight neighbours have their best match at its offset, up to
    one point. Convolutions follow.

    Args:
        in_channels (int): Width of the map.
        channels (int): Width of the projection. Defaults to 32.
        out_channels (int): Width of the result. Defaults to 32.
        matches (int): Similarities that are kept for each point, at least 1. Defaults to 4.
        margin (int): In points, along either axis; nearer ones look alike anyway. Defaults to 2.
        max_points (int): A map of more points is averaged over squares until it has no more, because time and memory
            grow with the square of their number. Defaults to 4,096, a map of 64x64.
        norm_cfg (dict): Defaults to ``dict(type='BN')``.
        init_cfg (dict, optional): See mmengine's ``BaseModule``. Defaults to None.

    Source:
        Wu et al., BusterNet, ECCV 2018, for percentile-pooled self-correlation; the consistency of offsets is the
        criterion of dense-field copy-move detection, Cozzolino et al., TIFS 2015.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int = 32,
        out_channels: int = 32,
        matches: int = 4,
        margin: int = 2,
        max_points: int = 4096,
        norm_cfg: ConfigType = dict(type='BN'),
        init_cfg: OptConfigType = None,
    ) -> None:
        super().__init__(init_cfg)
        if matches < 1 or margin < 0:
            raise ValueError(f'matches must be at least 1 and margin at least 0, got {matches} and {margin}')
        self.matches = matches
        self.margin = margin
        self.max_points = max_points
        self.project = nn.Conv2d(in_channels, channels, 1)
        self.convs = nn.Sequential(
            ConvModule(matches + 1, out_channels, 3, padding=1, norm_cfg=norm_cfg),
            ConvModule(out_channels, out_channels, 3, padding=1, norm_cfg=norm_cfg),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Correlate each image of the batch with itself.

        Args:
            x (Tensor): float of shape (N, in_channels, h, w).

        Returns:
            Tensor: float of shape (N, out_channels, h, w).
        """
        features = self.project(x)
        # Similarities of near copies differ in digits that bfloat16 does not have.
        with torch.autocast(x.device.type, enabled=False):
            features = features.float()
            features = F.normalize(features - features.mean((2, 3), keepdim=True), dim=1)
            maps = torch.stack([self._correlate_image(each) for each in features])
        return self.convs(maps)

    def _correlate_image(self, features: Tensor) -> Tensor:
        """The highest similarities, descending, and the consistency of offsets: (matches + 1, h, w)."""
        size = features.shape[1:]
        factor = pooling_factor(size, self.max_points)
        if factor > 1:
            features = F.normalize(F.avg_pool2d(features[None], factor, ceil_mode=True)[0], dim=0)
        height, width = features.shape[1:]
        near_rows, near_columns = (self._near(side, features.device) for side in (height, width))
        points = features.flatten(1)
        kept, best = [], []
        step = max(1, MOST_SIMILARITIES // (height * width * width))
        for first in range(0, height, step):
            rows = slice(first, first + step)
            near = near_rows[rows, None, :, None] & near_columns[None, :, None, :]
            similarities = torch.einsum('crx,cp->rxp', features[:, rows], points).masked_fill(near.flatten(2), -1)
            missing = max(0, self.matches - similarities.shape[2])
            found = F.pad(similarities, (0, missing), value=-1.0).topk(self.matches, dim=2)
            kept.append(found.values)
            best.append(found.indices[..., 0].clamp(max=height * width - 1))
        place = torch.cat(best)
        row_of, column_of = (torch.arange(side, device=place.device) for side in (height, width))
        offsets = torch.stack([place // width - row_of[:, None], place % width - column_of])
        maps = torch.cat([torch.cat(kept).permute(2, 0, 1), consistency(offsets).to(features.dtype)[None]])
        return F.interpolate(maps[None], size, mode='bilinear', align_corners=False)[0] if factor > 1 else maps

    def _near(self, side: int, device: torch.device) -> Tensor:
        """Which points along an axis lie within the margin of each other: bool (side, side)."""
        at = torch.arange(side, device=device)
        return (at[:, None] - at).abs() <= self.margin


def consistency(offsets: Tensor) -> Tensor:
    """How many of a point's eight neighbours have its offset, up to one point along either axis.

    Args:
        offsets (Tensor): Integer of shape (2, h, w).

    Returns:
        Tensor: float32 of shape (h, w) in [0, 1].
    """
    margin = NEIGHBOURS // 2
    padded = F.pad(offsets.float()[None], (margin,) * 4, value=float('inf'))[0]
    around = padded.unfold(1, NEIGHBOURS, 1).unfold(2, NEIGHBOURS, 1).flatten(3)
    same = ((around - offsets[..., None]).abs() <= 1).all(0).sum(-1)
    return (same.float() - 1) / (NEIGHBOURS**2 - 1)
