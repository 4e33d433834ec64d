"""The head of a fusion: no layer, only the clusterer."""

import math
from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from mmseg.utils import ConfigType
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.clustering.map_size import MAX_POINTS

from .clustering_head import ClusteringHead


def fuse(
    maps: Sequence[Tensor], weights: Sequence[float], size: Sequence[int], interpolation: str = 'bilinear'
) -> Tensor:
    """Concatenate the embedding maps of one image (eq. 4).

    Each map is brought to one resolution, normalised at every point, and multiplied by its weight over the root of the
    sum of the squared weights. The cosine of two points is then the mean of the members' cosines, weighted by the
    squares of the weights.

    Args:
        maps (Sequence[Tensor]): float of shape (C_i, h_i, w_i), all of the same image, without padding.
        weights (Sequence[float]): One a map, at least 0, not all 0.
        size (Sequence[int]): The resolution, h and w.
        interpolation (str): ``'bilinear'`` or ``'nearest'``. Defaults to ``'bilinear'``.

    Returns:
        Tensor: Unit-length float32 of shape (sum of C_i, h, w).
    """
    options = dict(align_corners=False) if interpolation == 'bilinear' else {}
    length = math.hypot(*weights)
    parts = []
    for each, weight in zip(maps, weights, strict=True):
        each = each.float()
        if tuple(each.shape[1:]) != tuple(size):
            each = F.interpolate(each[None], size=tuple(size), mode=interpolation, **options)[0]
        parts.append(F.normalize(each, dim=0) * (weight / length))
    return torch.cat(parts)


@MODELS.register_module()
class FOCALFusionHead(ClusteringHead, BaseModule):
    """Clusters what the members of a :class:`FOCALFusion` embed; their own heads' clusterers rest.

    Args:
        clusterer (dict): Config of a clusterer in TASK_UTILS. Defaults to ``dict(type='HDBSCANClusterer')``.
        gate (dict, optional): Config of a gate in TASK_UTILS, see :class:`FOCALHead`. Defaults to None.
        max_points (int): Most points of a map that are clustered, see :class:`FOCALHead`. Defaults to 65,536.

        keep_embeddings (bool): See :class:`FOCALHead`. Defaults to False.

    Raises:
        ValueError: If ``max_points`` is below 1.
    """

    # What mmseg's postprocessing and inference ask of a head.
    num_classes = 2
    out_channels = 2
    align_corners = False

    def __init__(
        self,
        clusterer: ConfigType = dict(type='HDBSCANClusterer'),
        max_points: int = MAX_POINTS,
        gate: ConfigType | None = None,
        keep_embeddings: bool = False,
    ) -> None:
        super().__init__()
        self._set_clustering(clusterer, gate, max_points, keep_embeddings)
