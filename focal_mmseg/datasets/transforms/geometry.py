"""Augmentations that move pixels, masks in step."""

from typing import Any, cast

import cv2
import numpy as np
from mmseg.registry import TRANSFORMS

from ..validators import Range, require_choice, require_number, require_range, require_whole
from .image_transform import GeometryTransform, Warp, draw, scaled_size

IGNORED = 255
MOVES = ('horizontal', 'vertical', 'quarters', 'transpose')


@TRANSFORMS.register_module()
class RandomScale(GeometryTransform):
    """Resize the image by a factor of its own size, bilinearly.

    mmcv's ``RandomResize`` takes factors of a fixed size instead.

    Args:
        factor (float | tuple[float, float]): New side over old side. Defaults to (0.5, 1.0).
        seed (int, optional): See :class:`GeometryTransform`. Defaults to None.

    Raises:
        ValueError: If ``factor`` is not positive.
    """

    def __init__(self, factor: Range = (0.5, 1.0), seed: int | None = None) -> None:
        super().__init__(seed)
        self.factor = require_range('factor', factor, 0, above=True)

    def plan(self, shape: tuple[int, int], rng: np.random.Generator) -> Warp:
        """Draw the factor."""
        size = scaled_size(shape, draw(self.factor, rng))

        def warp(plane: np.ndarray, is_mask: bool) -> np.ndarray:
            # OpenCV's INTER_NEAREST samples corners of pixels, half a pixel beside where bilinear has their centres.
            way = cv2.INTER_NEAREST_EXACT if is_mask else cv2.INTER_LINEAR
            return plane.copy() if size == plane.shape[1::-1] else cv2.resize(plane, size, interpolation=way)

        return warp


@TRANSFORMS.register_module()
class PadIfNeeded(GeometryTransform):
    """Add a border all around, so that no side is below a size; a larger image stays as it is.

    Args:
        size (tuple[int, int]): Least width and height in pixels. Defaults to (1024, 1024).
        mode (str): ``'reflect'`` fills the border with the mirrored image and mirrored mask, as the authors'
            released code does; ``'constant'`` with black and the label 255, which no loss counts. Defaults to
            ``'reflect'``.
        seed (int, optional): Accepted as everywhere; nothing is drawn.

    Raises:
        ValueError: If an option is out of its range.
    """

    def __init__(self, size: tuple[int, int] = (1024, 1024), mode: str = 'reflect', seed: int | None = None) -> None:
        super().__init__(seed)
        width, height = size
        self.size = (require_whole('width', width, 1), require_whole('height', height, 1))
        self.mode = require_choice('mode', mode, ('reflect', 'constant'))

    def plan(self, shape: tuple[int, int], rng: np.random.Generator) -> Warp:
        """Find the four widths of the border."""
        rows, columns = (max(0, least - side) for least, side in zip(self.size[::-1], shape, strict=True))
        border = (rows // 2, rows - rows // 2, columns // 2, columns - columns // 2)
        way = cv2.BORDER_REFLECT_101 if self.mode == 'reflect' else cv2.BORDER_CONSTANT
        return lambda plane, is_mask: cv2.copyMakeBorder(plane, *border, way, value=IGNORED if is_mask else 0)


@TRANSFORMS.register_module()
class RandomD4(GeometryTransform):
    """One of the moves, each as likely, which change no value.

    Args:
        moves (tuple[str, ...]): Some of ``'horizontal'`` and ``'vertical'`` (mirror images), ``'quarters'`` (none to
            three quarter turns, counter-clockwise) and ``'transpose'``. Defaults to all.
        seed (int, optional): See :class:`GeometryTransform`. Defaults to None.

    Raises:
        ValueError: If a move is unknown, or there is none.
    """

    def __init__(self, moves: tuple[str, ...] = MOVES, seed: int | None = None) -> None:
        super().__init__(seed)
        if not moves or not set(moves) <= set(MOVES):
            raise ValueError(f'moves must be some of {", ".join(MOVES)}, got {moves!r}')
        self.moves = tuple(moves)

    def plan(self, shape: tuple[int, int], rng: np.random.Generator) -> Warp:
        """Draw the move."""
        move = self.moves[rng.integers(len(self.moves))]
        turns = int(rng.integers(4))
        moved = dict(
            horizontal=lambda plane: plane[:, ::-1],
            vertical=lambda plane: plane[::-1],
            quarters=lambda plane: np.rot90(plane, turns),
            transpose=lambda plane: plane.swapaxes(0, 1),
        )[move]
        return lambda plane, is_mask: moved(plane)


@TRANSFORMS.register_module()
class ElasticTransform(GeometryTransform):
    """Push pixels about by a smooth random field and a slight random affine map, in one resampling.

    Args:
        alpha (float): The field is uniform noise of -1..1, blurred, times this, in pixels. Defaults to 120.
        sigma (float): Standard deviation of the blur, in pixels. Defaults to 6.
        affine (float): How far, in pixels, each of three points of the image moves at most. Defaults to 3.6.
        seed (int, optional): See :class:`GeometryTransform`. Defaults to None.

    Raises:
        ValueError: If ``sigma`` is not positive or another option is negative.
    """

    def __init__(self, alpha: float = 120.0, sigma: float = 6.0, affine: float = 3.6, seed: int | None = None) -> None:
        super().__init__(seed)
        self.alpha = require_number('alpha', alpha, 0)
        self.sigma = require_number('sigma', sigma, 0, above=True)
        self.affine = require_number('affine', affine, 0)

    def plan(self, shape: tuple[int, int], rng: np.random.Generator) -> Warp:
        """Draw the affine map and the field."""
        centre, arm = np.array(shape[::-1], np.float32) / 2, max(1.0, min(shape) / 3)
        points = centre + np.array([[arm, arm], [arm, -arm], [-arm, -arm]], np.float32)
        moved = points + rng.uniform(-self.affine, self.affine, points.shape)
        back = cv2.getAffineTransform(moved.astype(np.float32), points)
        noise = rng.uniform(-1, 1, (*shape, 2)).astype(np.float32)
        field = cv2.GaussianBlur(noise, (0, 0), self.sigma) * self.alpha
        rows, columns = np.indices(shape, np.float32)
        targets = np.dstack([columns + field[..., 0], rows + field[..., 1]])
        return _remap((targets @ back[:, :2].T + back[:, 2]).astype(np.float32))


@TRANSFORMS.register_module()
class GridDistortion(GeometryTransform):
    """Stretch and squeeze the rows and the columns of a grid, each by a random factor.

    Args:
        cells (int): So many a side. Defaults to 5.
        limit (float): Factors are drawn from 1 - limit to 1 + limit; 0..1. Defaults to 0.3.
        seed (int, optional): See :class:`GeometryTransform`. Defaults to None.

    Raises:
        ValueError: If an option is out of its range.
    """

    def __init__(self, cells: int = 5, limit: float = 0.3, seed: int | None = None) -> None:
        super().__init__(seed)
        self.cells = require_whole('cells', cells, 1)
        self.limit = require_number('limit', limit, 0, 1)

    def plan(self, shape: tuple[int, int], rng: np.random.Generator) -> Warp:
        """Draw the factors."""
        rows, columns = (self._stretched(side, rng) for side in shape)
        return _remap(np.dstack(np.meshgrid(columns, rows)).astype(np.float32))

    def _stretched(self, side: int, rng: np.random.Generator) -> np.ndarray:
        """Where each of the pixels of one direction comes from."""
        knots = np.linspace(0, side, self.cells + 1)
        factors = rng.uniform(1 - self.limit, 1 + self.limit, self.cells)
        sources = np.concatenate([[0], np.cumsum(np.diff(knots) * factors)])
        return np.interp(np.arange(side), knots, sources)


def _remap(sources: np.ndarray) -> Warp:
    """Take each pixel from where ``sources`` says: (x, y), float32 of shape (H, W, 2); mirrored beyond the border."""

    def warp(plane: np.ndarray, is_mask: bool) -> np.ndarray:
        way = cv2.INTER_NEAREST if is_mask else cv2.INTER_LINEAR
        return cv2.remap(plane, sources, cast(Any, None), way, borderMode=cv2.BORDER_REFLECT_101)

    return warp
