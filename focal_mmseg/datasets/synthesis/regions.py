"""Regions to forge: objects, irregular contours, and what follows edges of the image."""

from dataclasses import dataclass

import cv2
import numpy as np

from .objects import ObjectMask
from .scenes import Scene

# A flood starts so often, at the latest on an image of so many pixels a side.
FLOODS = 12
FLOODED_SIDE = 256
FLOOD_FLAGS = 4 | (255 << 8)


@dataclass(frozen=True)
class Region:
    """Part of an image.

    Attributes:
        mask (np.ndarray): uint8 (h, w) of 0 and 1.
        left (int): Of the mask in the image.
        top (int): Of the mask in the image.
        origin (str): ``object``, ``followed`` or ``contour``.
    """

    mask: np.ndarray
    left: int
    top: int
    origin: str


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


def star(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """128 angles in [0, 2 pi) and a radius of about 1 at each: a sum of waves of random phase."""
    angles = np.linspace(0, 2 * np.pi, 128, endpoint=False)
    radius = np.ones_like(angles)
    for wave in range(2, 7):
        radius += rng.uniform(-0.5, 0.5) / wave**0.7 * np.cos(wave * angles + rng.uniform(0, 2 * np.pi))
    return angles, np.clip(radius, 0.25, None)


def bezier(rng: np.random.Generator, points: int = 7, radius: float = 0.2, steps: int = 20) -> np.ndarray:
    """A closed smooth curve through random points, in the order of their angles, as PSCC-Net's random masks have.

    Args:
        rng (np.random.Generator): Source of chance.
        points (int): How many it goes through. Defaults to 7.
        radius (float): How far the curve keeps a point's direction, over the distance to the next. Defaults to 0.2.
        steps (int): Points of the curve between two of them. Defaults to 20.

    Returns:
        np.ndarray: Points (points * steps, 2).
    """
    knots = rng.random((points, 2))
    spread = knots - knots.mean(0)
    knots = knots[np.argsort(np.arctan2(spread[:, 1], spread[:, 0]))]
    following = np.roll(knots, -1, axis=0)
    chord = following - knots
    # The direction at a point is between those of the chords that meet there.
    unit = chord / np.maximum(np.linalg.norm(chord, axis=1, keepdims=True), 1e-6)
    tangent = unit + np.roll(unit, 1, axis=0)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-6)
    reach = radius * np.linalg.norm(chord, axis=1, keepdims=True)
    controls = knots, knots + reach * tangent, following - reach * np.roll(tangent, -1, axis=0), following
    at = np.linspace(0, 1, steps, endpoint=False)[:, None]
    weights = (1 - at) ** 3, 3 * at * (1 - at) ** 2, 3 * at**2 * (1 - at), at**3
    return sum(w[None] * c[:, None] for w, c in zip(weights, controls, strict=True)).reshape(-1, 2)


def contour_mask(shape: str, area: float, most: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """An irregular region in the smallest rectangle that holds it.

    Args:
        shape (str): ``star`` or ``bezier``.
        area (float): Pixels of the region, about; fewer where it would not fit.
        most (tuple[int, int]): Highest height and width of the rectangle, each at least 4 pixels.
        rng (np.random.Generator): Source of chance.

    Returns:
        np.ndarray: uint8 (h, w) of 0 and 1, with h and w not above ``most``.
    """
    if shape == 'star':
        angles, radius = star(rng)
        contour = np.stack([radius * np.cos(angles), radius * np.sin(angles)], axis=1)
    else:
        contour = bezier(rng)
    x, y = contour.T
    own = 0.5 * abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))
    contour -= contour.min(0)
    contour *= np.sqrt(area / max(own, 1e-6))
    height, width = most
    contour *= min(1.0, *((np.array([width, height]) - 1) / contour.max(0)))
    corners = np.round(contour).astype(np.int32)
    mask = np.zeros(corners.max(0)[::-1] + 1, np.uint8)
    cv2.fillPoly(mask, [corners], 1)
    return mask


def followed_mask(
    image: np.ndarray, areas: tuple[float, float], rng: np.random.Generator
) -> tuple[np.ndarray, int, int] | None:
    """A region whose border follows edges of the image: what a flood of similar colours reaches from a random point.

    A forger cuts along the edges of objects, so regions whose borders know nothing of the image teach a network to look
    for cut objects.

    Args:
        image (np.ndarray): uint8 RGB of shape (H, W, 3).
        areas (tuple[float, float]): Least and most pixels of the region.
        rng (np.random.Generator): Source of chance.

    Returns:
        tuple[np.ndarray, int, int] | None: The region in its smallest rectangle, uint8 (h, w) of 0 and 1, and the
        rectangle's left and top; None where no flood had such an area.
    """
    height, width = image.shape[:2]
    step = max(1, round(max(height, width) / FLOODED_SIDE))
    small = cv2.resize(image, (max(width // step, 1), max(height // step, 1)), interpolation=cv2.INTER_AREA)
    small = cv2.medianBlur(small, 5)
    for _ in range(FLOODS):
        seed = int(rng.integers(small.shape[1])), int(rng.integers(small.shape[0]))
        tolerance = (float(rng.uniform(4, 30)),) * 3
        flooded = np.zeros((small.shape[0] + 2, small.shape[1] + 2), np.uint8)
        flags = cv2.FLOODFILL_MASK_ONLY | FLOOD_FLAGS
        *_, (_, _, across, down) = cv2.floodFill(small, flooded, seed, 0, tolerance, tolerance, flags)
        # What _solid makes of it goes beyond its rectangle by 2 pixels at most: most floods need no further look.
        if (across + 4) * (down + 4) * step**2 < areas[0]:
            continue
        mask = _solid(flooded[1:-1, 1:-1])
        if areas[0] <= cv2.countNonZero(mask) * step**2 <= areas[1]:
            mask = cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR)
            mask = (cv2.GaussianBlur(mask, (0, 0), step) > 127).astype(np.uint8)
            x, y, w, h = cv2.boundingRect(mask)
            if w >= 4 and h >= 4:
                return np.ascontiguousarray(mask[y : y + h, x : x + w]), x, y
    return None


def _solid(mask: np.ndarray) -> np.ndarray:
    """The largest piece of a mask with its holes filled and its border smoothed: uint8 of 0 and 255."""
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    contours = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
    solid = np.zeros_like(mask)
    if contours:
        cv2.drawContours(solid, [max(contours, key=cv2.contourArea)], -1, 255, cv2.FILLED)
    return solid
