"""Photographs with the objects in them, and squares cut out of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from .recipes import Recipe, choose

# A JPEG picture's blocks of colour cover 16 pixels, those of its luminance 8: cutting here keeps both grids.
GRID = 16
SMALLER = {
    'area': cv2.INTER_AREA,
    'linear': cv2.INTER_LINEAR,
    'cubic': cv2.INTER_CUBIC,
    'lanczos': cv2.INTER_LANCZOS4,
}


@dataclass(frozen=True)
class ObjectMask:
    """The mask of an object in a photograph.

    Attributes:
        box (tuple[int, int, int, int]): Left, top, width and height, in the photograph's pixels.
        area (float): In the photograph's pixels.
        shape (tuple[int, int]): The photograph's height and width.
        render (Callable[[], np.ndarray]): Gives uint8 (height, width) of 0 and 1.
    """

    box: tuple[int, int, int, int]
    area: float
    shape: tuple[int, int]
    render: Callable[[], np.ndarray]


@dataclass(frozen=True)
class Scene:
    """A photograph, or a part of one.

    Attributes:
        image (np.ndarray): uint8 RGB of shape (H, W, 3).
        objects (Sequence[ObjectMask]): In the pixels of the photograph before cutting and scaling.
        left (int): Of the part in the photograph.
        top (int): Of the part in the photograph.
        scale (tuple[float, float]): By which the part was then resized, across and down.
    """

    image: np.ndarray
    objects: Sequence[ObjectMask] = ()
    left: int = 0
    top: int = 0
    scale: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True)
class Region:
    """Part of a picture.

    Attributes:
        mask (np.ndarray): uint8 (h, w) of 0 and 1.
        left (int): Of the mask in the picture.
        top (int): Of the mask in the picture.
        origin (str): ``object`` or ``contour``.
    """

    mask: np.ndarray
    left: int
    top: int
    origin: str


def cut(scene: Scene, recipe: Recipe, rng: np.random.Generator) -> Scene:
    """A square of a photograph as the recipe has it, or the whole where the recipe has no size.

    What is not resized is cut where the blocks of the photograph's own compression begin.
    """
    height, width = scene.image.shape[:2]
    scale = recipe.target_scale.of(rng) or 1.0
    if recipe.size is None:
        sides, out = (height, width), tuple(max(1, round(side * scale)) for side in (height, width))
    else:
        side = min(height, width, round(recipe.size / max(scale, recipe.size / min(height, width))))
        sides, out = (side, side), (recipe.size, recipe.size)
    top, left = (int(GRID * rng.integers((scene.image.shape[axis] - sides[axis]) // GRID + 1)) for axis in (0, 1))
    image = np.ascontiguousarray(scene.image[top : top + sides[0], left : left + sides[1]])
    if out != sides:
        # Recipes with one interpolation keep the draws that they had before there was a choice.
        by = choose(recipe.interpolation, rng) if len(recipe.interpolation) > 1 else next(iter(recipe.interpolation))
        by = SMALLER[by] if out[0] < sides[0] else cv2.INTER_CUBIC
        image = cv2.resize(image, out[::-1], interpolation=by)
    return Scene(image, scene.objects, left, top, (out[1] / sides[1], out[0] / sides[0]))


def object_region(scene: Scene, areas: tuple[float, float], rng: np.random.Generator) -> Region | None:
    """An object of a scene whose area, in the scene's pixels, lies in a range; None where there is none."""
    factor = scene.scale[0] * scene.scale[1]
    fitting = [each for each in scene.objects if areas[0] <= each.area * factor <= areas[1]]
    for index in rng.permutation(len(fitting)):
        region = _seen(fitting[index], scene)
        if region is not None and areas[0] <= cv2.countNonZero(region.mask) <= areas[1]:
            return region
    return None


def _seen(found: ObjectMask, scene: Scene) -> Region | None:
    """An object's mask in the pixels of a scene; None where it lies outside."""
    x, y, width, height = found.box
    left, right = ((at - scene.left) * scene.scale[0] for at in (x, x + width))
    top, bottom = ((at - scene.top) * scene.scale[1] for at in (y, y + height))
    left, top, right, bottom = (round(at) for at in (left, top, right, bottom))
    inner = max(left, 0), max(top, 0), min(right, scene.image.shape[1]), min(bottom, scene.image.shape[0])
    if inner[2] - inner[0] < 2 or inner[3] - inner[1] < 2:
        return None
    mask = found.render()
    if mask.shape != (bottom - top, right - left):
        mask = cv2.resize(mask, (right - left, bottom - top), interpolation=cv2.INTER_NEAREST)
    mask = mask[inner[1] - top : inner[3] - top, inner[0] - left : inner[2] - left]
    x, y, width, height = cv2.boundingRect(mask)
    if not width:
        return None
    return Region(np.ascontiguousarray(mask[y : y + height, x : x + width]), inner[0] + x, inner[1] + y, 'object')
