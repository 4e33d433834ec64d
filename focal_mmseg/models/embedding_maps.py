"""Maps of embeddings: masks brought down to them, what is clustered of them, scores brought up from them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.clustering import Clusterer, Localisation
from focal_mmseg.clustering.map_size import pool_embeddings, upsample_scores


def downsample_mask(masks: Tensor, size: Sequence[int], ignore_index: int = 255) -> Tensor:
    """Bring masks to the resolution of the embeddings, and keep thin forged regions.

    An embedding is forged where at least half of the pixels under it, ignored ones not counted, are forged. A region
    thinner than half an embedding has none such: an embedding over a forged pixel is also forged if neither it nor one
    of its eight neighbours is so by half. So every forged pixel has a forged embedding over it or beside it, while
    the borders of large regions stay where they are; docs/notes/losses.md compares the rule with others. An embedding
    whose pixels are all ignored is ignored.

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
    grids = [(each.shape[1], each.shape[2]) for each in pooled]
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
