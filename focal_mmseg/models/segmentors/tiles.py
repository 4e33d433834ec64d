"""Overlapping tiles of an image, and the blending of what a network says of each."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

WHITE = 255


def tile_places(size: tuple[int, int], tile: int, stride: int) -> Iterator[tuple[int, int]]:
    """Where tiles begin, in the order in which they are blended.

    Rows of tiles from the top on, each from the left on, as long as tiles fit, and each row ended by a tile at the
    image's right edge; then a row at the bottom edge. So a tile that ends at an edge already comes twice, which matters
    where the later one is blended over the earlier. A side shorter than a tile has one place, 0.

    Args:
        size (tuple[int, int]): Height and width of the image.
        tile (int): Side of a tile.
        stride (int): From tile to tile.

    Yields:
        tuple[int, int]: Row and column of the upper left corner.
    """
    tops, lefts = ([*range(0, side - tile + 1, stride), max(side - tile, 0)] for side in size)
    for top in tops:
        for left in lefts:
            yield top, left


def blend_tiles(
    score: Callable[[Tensor], Tensor], image: Tensor, tile: int, stride: int, eight_bit: bool = True
) -> Tensor:
    """The score map of an image, tile by tile.

    Where nothing was written a tile's scores are written; elsewhere they replace the old ones by the weight that
    :func:`centre_weight` gives, 1 in the tile's middle and 0 in its outer sixth.

    Args:
        score (Callable): Gives the scores (h, w) in [0, 1] of a tile (C, h, w). A place that comes twice in turn is
            scored once.
        image (Tensor): Of shape (C, H, W).
        tile (int): Side of a tile; where the image is smaller a tile has its side.
        stride (int): From tile to tile.
        eight_bit (bool): Whether each tile's scores are rounded to steps of 1/255, and the blended ones cut down to
            such. Defaults to True.

    Returns:
        Tensor: float64 of shape (H, W) in [0, 1], on the CPU.
    """
    _, height, width = image.shape
    size = height, width
    shown = tuple(min(tile, side) for side in size)
    weight = centre_weight(shown[0])[:, None] * centre_weight(shown[1])
    keep = 1 - weight
    levels = torch.zeros(size, dtype=torch.float64)
    is_written = torch.zeros(size, dtype=torch.bool)
    answers: dict[int, tuple[int, Tensor]] = {}
    for top, left in tile_places(size, tile, stride):
        here = slice(top, top + shown[0]), slice(left, left + shown[1])
        if answers.get(left, (None,))[0] != top:
            answers[left] = top, score(image[(slice(None), *here)]).cpu().double() * WHITE
            if eight_bit:
                answers[left][1].round_()
        new = answers[left][1]
        levels[here] = torch.where(is_written[here], keep * levels[here] + weight * new, new)
        is_written[here] = True
    return (levels.floor() if eight_bit else levels) / WHITE


def centre_weight(side: int) -> Tensor:
    """The weight of a tile along one side: 1 in the middle, falling linearly to 0 at one sixth from either end.

    Args:
        side (int): Pixels.

    Returns:
        Tensor: float64 of shape (side,).
    """
    centres = torch.arange(side, dtype=torch.float64) + 0.5
    return (1 - (3 * centres / side - 1.5).abs()).clamp(min=0)
