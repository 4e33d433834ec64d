"""The rule for maps of more points than are clustered."""

import math
from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional as F  # noqa: N812

# A map of 256x256, the paper's largest.
MAX_POINTS = 65536


def checked_max_points(max_points: int) -> int:
    """Most points that are clustered.

    Raises:
        ValueError: If it is no whole number of at least 1.
    """
    if not isinstance(max_points, int) or isinstance(max_points, bool) or max_points < 1:
        raise ValueError(
            f'max_points of the decode_head must be a whole number of at least 1, got {max_points!r}; one as large as '
            'the map leaves it as it is'
        )
    return max_points


def coarsening(cells: Sequence[int], max_points: int) -> int:
    """The smallest whole factor by which both sides of a map must shrink to have at most ``max_points`` points.

    Args:
        cells (Sequence[int]): Height and width of the map.
        max_points (int): At least 1.

    Returns:
        int: 1 for a map that is small enough.
    """
    factor = 1
    while math.prod(math.ceil(side / factor) for side in cells) > max_points:
        factor += 1
    return factor


def coarsened(embeddings: Tensor, max_points: int) -> Tensor:
    """A map of at most ``max_points`` embeddings.

    Args:
        embeddings (Tensor): Unit length, float of shape (C, h, w).
        max_points (int): At least 1.

    Returns:
        Tensor: The map itself if it is small enough. Else float32 of shape (C, ceil(h / factor), ceil(w / factor)), see
        :func:`coarsening`: each cell is the mean of a square of ``factor`` embeddings a side, smaller at the end of a
        row or column, brought to unit length.
    """
    factor = coarsening(embeddings.shape[1:], max_points)
    if factor == 1:
        return embeddings
    means = F.avg_pool2d(embeddings[None].float(), factor, ceil_mode=True, count_include_pad=False)
    return F.normalize(means[0], dim=0)


def refined(score: Tensor, size: Sequence[int], max_points: int) -> Tensor:
    """Scores of a coarsened map at the points of the map as it was.

    Args:
        score (Tensor): float32, one value a cell of the map that :func:`coarsened` gave, row by row.
        size (Sequence[int]): Height and width of the map as it was.
        max_points (int): What it was coarsened by.

    Returns:
        Tensor: float32 of shape ``size``, bilinear between the middles of the cells.
    """
    factor = coarsening(size, max_points)
    score = score.view([math.ceil(side / factor) for side in size])
    if factor == 1:
        return score
    score = F.interpolate(score[None, None], scale_factor=factor, mode='bilinear', align_corners=False)
    return score[0, 0, : size[0], : size[1]]
