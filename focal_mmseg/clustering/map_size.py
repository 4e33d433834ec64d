"""What of a map of embeddings is clustered, and scores at the points of the map again: plain tensors."""

import math
from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional as F  # noqa: N812

# A map of 256x256, the paper's largest.
MAX_POINTS = 65536


def check_max_points(max_points: int) -> int:
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


def pooling_factor(cells: Sequence[int], max_points: int) -> int:
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


def pool_embeddings(embeddings: Tensor, max_points: int) -> Tensor:
    """A map of at most ``max_points`` embeddings.

    Args:
        embeddings (Tensor): Unit length, float of shape (C, h, w).
        max_points (int): At least 1.

    Returns:
        Tensor: The map itself if it is small enough. Else float32 of shape (C, ceil(h / factor), ceil(w / factor)), see
        :func:`pooling_factor`: each cell is the mean of a square of ``factor`` embeddings a side, smaller at the end of
        a row or column, brought to unit length.
    """
    factor = pooling_factor(embeddings.shape[1:], max_points)
    if factor == 1:
        return embeddings
    means = F.avg_pool2d(embeddings[None].float(), factor, ceil_mode=True, count_include_pad=False)
    return F.normalize(means[0], dim=0)


def upsample_scores(score: Tensor, size: Sequence[int], max_points: int) -> Tensor:
    """Scores of a pooled map at the points of the map as it was.

    Args:
        score (Tensor): float32, one value a cell of the map that :func:`pool_embeddings` gave, row by row.
        size (Sequence[int]): Height and width of the map as it was.
        max_points (int): What it was pooled by.

    Returns:
        Tensor: float32 of shape ``size``, bilinear between the middles of the cells.
    """
    factor = pooling_factor(size, max_points)
    score = score.view([math.ceil(side / factor) for side in size])
    if factor == 1:
        return score
    score = F.interpolate(score[None, None], scale_factor=factor, mode='bilinear', align_corners=False)
    return score[0, 0, : size[0], : size[1]]


def valid_cells(cells: int, pixels: int, before: int, after: int) -> slice:
    """Which cells of a row (or column) of the map have their centre inside the image, not its padding.

    Args:
        cells (int): Of the row.
        pixels (int): That the row covers, padding included.
        before (int): Pixels of padding at its beginning.
        after (int): Pixels of padding at its end.

    Returns:
        slice: At least one cell, the nearest, for an image that is thinner than a cell.
    """
    first = math.ceil(before * cells / pixels - 0.5)
    stop = math.ceil((pixels - after) * cells / pixels - 0.5)
    if first >= stop:
        first = int((before + pixels - after) / 2 * cells / pixels)
        stop = first + 1
    return slice(first, stop)
