"""One embedding map out of overlapping windows."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from .map_size import pooling_factor


class StitchedMap:
    """Gathers the embeddings of windows into one map, blended where they overlap.

    An embedding counts the more, the farther it lies from its window's border. A map that would have more than
    ``max_points`` embeddings is made coarser while it is gathered, by the factor of :func:`pooling_factor`: each of its
    cells is then the weighted mean of a square of embeddings. So memory is at most ``max_points`` embeddings and one
    window.

    Args:
        size (Sequence[int]): Height and width of the image, in pixels.
        pixels (int): Pixels a side of one embedding of a window.
        max_points (int): Most cells of the map, at least 1.

    Attributes:
        cell (int): Pixels a side of a cell of the map.
        shape (tuple[int, int]): Cells of the map; the last ones may reach beyond the image.
    """

    def __init__(self, size: Sequence[int], pixels: int, max_points: int) -> None:
        factor = pooling_factor([math.ceil(side / pixels) for side in size], max_points)
        self._size = tuple(size)
        self._pixels = pixels
        self._factor = factor
        self.cell = pixels * factor
        self.shape = tuple(math.ceil(side / self.cell) for side in size)
        self._sum: Tensor | None = None
        self._weight: Tensor | None = None

    def add(self, embeddings: Tensor, top: int, left: int) -> None:
        """Add the embeddings of a window, those beyond the image left out.

        Args:
            embeddings (Tensor): float of shape (C, h, w).
            top (int): Where the window begins in the image, in pixels, a multiple of ``cell``.
            left (int): The same.
        """
        rows, columns = (
            slice(math.ceil((side - start) / self._pixels)) for side, start in zip(self._size, (top, left), strict=True)
        )
        weight = _tent(embeddings)[:, rows, columns]
        embeddings = embeddings[:, rows, columns]
        total, weight = (self._pooled(plane) for plane in (embeddings.float() * weight, weight))
        if self._sum is None or self._weight is None:
            self._sum = total.new_zeros(len(total), *self.shape)
            self._weight = weight.new_zeros(1, *self.shape)
        row, column = top // self.cell, left // self.cell
        cells = (..., slice(row, row + total.shape[1]), slice(column, column + total.shape[2]))
        self._sum[cells] += total
        self._weight[cells] += weight

    def embeddings(self) -> Tensor:
        """Unit-length embeddings of shape (C, *shape).

        Raises:
            ValueError: If no window was added.
        """
        if self._sum is None or self._weight is None:
            raise ValueError('a map without a window has no embeddings')
        return F.normalize(self._sum / self._weight, dim=0)

    def _pooled(self, plane: Tensor) -> Tensor:
        """Sums over squares of ``factor`` embeddings a side, smaller ones at the end."""
        height, width = plane.shape[1:]
        plane = F.pad(plane, (0, -width % self._factor, 0, -height % self._factor))
        return F.avg_pool2d(plane[None], self._factor, divisor_override=1)[0]


def _tent(embeddings: Tensor) -> Tensor:
    """Weights (1, h, w) that fall from the middle of a window to its border, and are never 0."""
    sides = []
    for side in embeddings.shape[1:]:
        rising = torch.arange(1, side + 1, device=embeddings.device, dtype=torch.float32)
        sides.append(torch.minimum(rising, rising.flip(0)))
    return (sides[0][:, None] * sides[1])[None]


def window_starts(side: int, window: int, stride: int, cell: int) -> list[int]:
    """Where the windows along one side of an image begin, in pixels.

    Args:
        side (int): Of the image.
        window (int): Of a window.
        stride (int): Most between two windows, at most ``window``; is rounded down to cells, but to one at least.
        cell (int): All starts are multiples of it.

    Returns:
        list[int]: From 0 on, evenly spread inside the image; the last window reaches its end, or the last cell does.
    """
    last = max(0, math.ceil((side - window) / cell))
    steps = math.ceil(last / max(1, stride // cell))
    starts = [last * step // steps * cell for step in range(steps)]
    return [*starts, *([last * cell] if last * cell < side else [])]


def fitting_window(
    size: Sequence[int], window: Sequence[int], stride: Sequence[int], divisor: int | None
) -> tuple[int, int]:
    """The smallest window that covers an image as ``window`` does: in as many steps, overlapping as much.

    So small images are not filled up to a whole window, and of large ones no strip is embedded twice because the last
    window would begin a little before its end.

    Args:
        size (Sequence[int]): Height and width of the image, in pixels.
        window (Sequence[int]): Of the largest window.
        stride (Sequence[int]): Most between two windows, at most ``window``.
        divisor (int, optional): What the sides of a window are multiples of. None keeps ``window``, for networks of one
            input size.

    Returns:
        tuple[int, int]: Height and width, at most those of ``window``.
    """
    if divisor is None:
        return window[0], window[1]
    sides = []
    for side, most, step in zip(size, window, stride, strict=True):
        count = 1 + max(0, math.ceil((side - most) / step))
        share = (side + (count - 1) * (most - step)) / count
        sides.append(min(most, math.ceil(share / divisor) * divisor))
    return sides[0], sides[1]


def stitch_embeddings(
    embed: Callable[[Tensor], Tensor], image: Tensor, window: Sequence[int], stride: Sequence[int], max_points: int
) -> tuple[Tensor, int]:
    """The embeddings of a large image, window by window.

    Args:
        embed (Callable): Gives the embeddings (1, C, h, w) of a window (1, 3, *window).
        image (Tensor): float of shape (3, H, W); beyond its border windows see zeros.
        window (Sequence[int]): Height and width of a window, in pixels.
        stride (Sequence[int]): Most between two windows, in pixels.
        max_points (int): See :class:`StitchedMap`.

    Returns:
        tuple[Tensor, int]: The map (C, h, w), and pixels a side of one of its cells. It may reach beyond the image, by
        less than a cell, or by what the image is smaller than a window. Of one window it is what ``embed`` gave, of any
        number of points.

    Raises:
        ValueError: If the embeddings are not a whole number of pixels apart.
    """
    size = tuple(image.shape[1:])
    first = embed(_crop_window(image, 0, 0, window))
    pixels = window[0] // first.shape[2]
    if (pixels * first.shape[2], pixels * first.shape[3]) != tuple(window):
        raise ValueError(
            f'a window of {window[0]}x{window[1]} has embeddings of {first.shape[2]}x{first.shape[3]}: choose a '
            'crop_size (and a size_divisor) that is the same whole multiple of both'
        )
    if all(side <= width for side, width in zip(size, window, strict=True)):
        return first[0], pixels
    gathered = StitchedMap(size, pixels, max_points)
    starts = [window_starts(*each, gathered.cell) for each in zip(size, window, stride, strict=True)]
    for top in starts[0]:
        for left in starts[1]:
            inside = first if top == left == 0 else embed(_crop_window(image, top, left, window))
            gathered.add(inside[0], top, left)
    return gathered.embeddings(), gathered.cell


def _crop_window(image: Tensor, top: int, left: int, window: Sequence[int]) -> Tensor:
    """A window (1, 3, *window) of the image, with zeros beyond its border."""
    part = image[:, top : top + window[0], left : left + window[1]]
    return F.pad(part, (0, window[1] - part.shape[2], 0, window[0] - part.shape[1]))[None]
