"""The head of a fusion: no layer, only the clusterer."""

import math
from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from mmseg.registry import MODELS, TASK_UTILS
from mmseg.utils import ConfigType
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.clustering import Localisation

from .coarsening import MAX_POINTS, checked_max_points
from .localise_maps import localise_maps


def fuse(
    maps: Sequence[Tensor], weights: Sequence[float], size: Sequence[int], interpolation: str = 'bilinear'
) -> Tensor:
    """Concatenate the embedding maps of one picture (eq. 4).

    Each map is brought to one resolution, normalised at every point, and multiplied by its weight over the root of the
    sum of the squared weights. The cosine of two points is then the mean of the members' cosines, weighted by the
    squares of the weights.

    Args:
        maps (Sequence[Tensor]): float of shape (C_i, h_i, w_i), all of the same picture, without padding.
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
class FOCALFusionHead(BaseModule):
    """Clusters what the members of a :class:`FOCALFusion` embed; their own heads' clusterers rest.

    Args:
        clusterer (dict): Config of a clusterer in TASK_UTILS. Defaults to ``dict(type='HDBSCANClusterer')``.
        gate (dict, optional): Config of a gate in TASK_UTILS, see :class:`FOCALHead`. Defaults to None.
        max_points (int): Most points of a map that are clustered, see :class:`FOCALHead`. Defaults to 65,536.

    Raises:
        ValueError: If ``max_points`` is below 1.

    Attributes:
        last_localisations (list[Localisation]): What the clusterer found in each image of the last predicted batch; if
            the members' maps were clustered one by one, in all images of the first member, then of the second.
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
    ) -> None:
        super().__init__()
        self.clusterer = TASK_UTILS.build(clusterer)
        self.gate = TASK_UTILS.build(gate) if gate else None
        self.max_points = checked_max_points(max_points)
        self.last_localisations: list[Localisation] = []

    def scores(self, maps: Sequence[Sequence[Tensor]], batch_img_metas: Sequence[dict]) -> list[list[Tensor]]:
        """Cluster each map alone.

        Args:
            maps (Sequence[Sequence[Tensor]]): Unit-length embeddings of shape (C, h, w): an outer item a fused network
                or a member, an inner one an image.
            batch_img_metas (Sequence[dict]): One an image; ``img_path`` names it in an error.

        Returns:
            list[list[Tensor]]: In the same order, the forged scores: float32 in [0, 1] of shape (h, w).

        Raises:
            ValueError: If an image cannot be clustered.
        """
        self.last_localisations = []
        scores = []
        for images in maps:
            found, score = localise_maps(self.clusterer, images, batch_img_metas, self.max_points, self.gate)
            self.last_localisations += found
            scores.append(score)
        return scores
