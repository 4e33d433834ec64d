"""Masks at the resolution of the embeddings."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812


def mask_at(masks: Tensor, size: Sequence[int], ignore_index: int = 255) -> Tensor:
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
