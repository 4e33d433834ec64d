"""Maps of embeddings: masks brought down to them, what is clustered of them, scores brought up from them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.clustering import Clusterer, Localisation

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


def downsample_mask(masks: Tensor, size: Sequence[int], ignore_index: int = 255) -> Tensor:
    """Bring masks to the resolution of the embeddings, and keep thin forged regions.

    An embedding is forged where at least half of the pixels under it, ignored ones not counted, are forged. A region
    thinner than half an embedding has none such: an embedding over a forged pixel is also forged if neither it nor one
    of its eight neighbours is so by half. So every forged pixel has a forged embedding over it or beside it, while
    the borders of large regions stay where they are; docs/losses.md compares the rule with others. An embedding whose
    pixels are all ignored is ignored.

    Args:
        masks (Tensor): Integer of shape (N, H, W): 0 pristine, 1 forged, ``ignore_index`` neither.
        size (Sequence[int]): h and w.
        ignore_index (int): Defaults to 255.

    Returns:
        Tensor: int64 of shape (N, h, w) with the same three values.

    Raises:
        ValueError: If a mask has another value.

    Example:
        >>> import torch
        >>> mask = torch.tensor([[[1, 1, 0, 0], [1, 1, 0, 255]]])
        >>> downsample_mask(mask, (1, 2)).tolist()
        [[[1, 0]]]
    """
    counted = masks != ignore_index
    if not ((masks == 0) | (masks == 1) | ~counted).all():
        found = sorted(set(masks.unique().tolist()) - {0, 1, ignore_index})
        raise ValueError(f'a mask may hold 0 (pristine), 1 (forged) and {ignore_index} (ignored), found {found}')
    planes = torch.stack([counted & (masks == 1), counted], dim=1).float()
    forged, counted = F.interpolate(planes, size=tuple(size), mode='area').unbind(1)
    by_half = (forged > 0) & (forged * 2 >= counted)
    around = F.max_pool2d(by_half[:, None].float(), kernel_size=3, stride=1, padding=1)[:, 0] > 0
    target = (by_half | ((forged > 0) & ~around)).long()
    return target.masked_fill(counted == 0, ignore_index)


@dataclass(frozen=True)
class LocalisedMap:
    """One clustered map.

    Attributes:
        found (Localisation): What was found, at the points that were clustered, row by row, with their grid.
        score (Tensor): Forged scores of the map as it was, float32 in [0, 1] of shape (h, w).
        embeddings (Tensor): What was clustered: unit-length float of shape (C, h', w'), see :func:`pool_embeddings`.
    """

    found: Localisation
    score: Tensor
    embeddings: Tensor


def localise_maps(
    clusterer: Clusterer,
    maps: Sequence[Tensor],
    batch_img_metas: Sequence[dict],
    max_points: int,
    gate: Callable[[Tensor, Localisation], Localisation] | None = None,
) -> list[LocalisedMap]:
    """Cluster the embeddings of each image alone.

    Args:
        clusterer (Clusterer): What clusters.
        maps (Sequence[Tensor]): Unit-length embeddings of shape (C, h_i, w_i), one an image, without padding.
        batch_img_metas (Sequence[dict]): One an image; ``img_path`` names it in an error.
        max_points (int): Most points that are clustered; a larger map is pooled, see :func:`pool_embeddings`.
        gate (Callable, optional): As :class:`EvidenceGate`; decides anew what is forged. Defaults to None.

    Returns:
        list[LocalisedMap]: One an image.

    Raises:
        ValueError: If an image cannot be clustered; the message names the images of the batch.
    """
    pooled = [pool_embeddings(each, max_points) for each in maps]
    grids = [tuple(each.shape[1:]) for each in pooled]
    points = [each.flatten(1).T for each in pooled]
    try:
        found = clusterer.localise_batch(points, grids)
    except ValueError as error:
        paths = ', '.join(str(meta.get('img_path', 'an image without img_path')) for meta in batch_img_metas)
        raise ValueError(f'cannot cluster the batch of {paths}: {error}') from error
    if gate is not None:
        found = [gate(*image) for image in zip(points, found, strict=True)]
    scores = [upsample_scores(one.score, each.shape[1:], max_points) for one, each in zip(found, maps, strict=True)]
    return [LocalisedMap(*each) for each in zip(found, scores, pooled, strict=True)]
