"""What takes a region's place: a part that is cut out, turned, placed and laid; or a filling from around it."""

from dataclasses import dataclass

import cv2
import numpy as np

from .regions import Region
from .scenes import GRID

BLOCK = 8
TRIES = 24
# Of a region's area, what stays of it where it reaches over the border.
LEAST_KEPT = 0.25
# Pixels kept around the region, for processing that looks at its surroundings.
MARGIN = 8
INPAINTING_FLAGS = dict(ns=cv2.INPAINT_NS, telea=cv2.INPAINT_TELEA)
# Of the region that filling in looks at.
SURROUNDINGS = 16
# Width of what is filled in at full resolution around what was filled in coarsely.
RIM = 6


@dataclass(frozen=True)
class Part:
    """A rectangle of an image with the region in it.

    Its corner lies on the grid of the image's blocks, so that its own blocks begin at its corner.

    Attributes:
        image (np.ndarray): uint8 RGB of shape (h, w, 3).
        mask (np.ndarray): uint8 (h, w) of 0 and 1.
        left (int): Of the rectangle in the image that it comes from.
        top (int): Of the rectangle in the image that it comes from.
        resampled (bool): Whether it was rotated or scaled, which destroys the blocks.
    """

    image: np.ndarray
    mask: np.ndarray
    left: int
    top: int
    resampled: bool = False


def extract_part(image: np.ndarray, region: Region) -> Part:
    """The rectangle of a region, a little larger, beginning at a block."""
    height, width = region.mask.shape
    left, top = (max(0, (at - MARGIN) // GRID * GRID) for at in (region.left, region.top))
    right = min(image.shape[1], -(-(region.left + width + MARGIN) // GRID) * GRID)
    bottom = min(image.shape[0], -(-(region.top + height + MARGIN) // GRID) * GRID)
    mask = np.zeros((bottom - top, right - left), np.uint8)
    mask[region.top - top :, region.left - left :][:height, :width] = region.mask
    return Part(np.ascontiguousarray(image[top:bottom, left:right]), mask, left, top)


def rotate_part(part: Part, rotation: float, scale: float, most: tuple[int, int]) -> tuple[Part, float]:
    """Rotate and scale a part about its middle.

    Args:
        part (Part): Is left as it is.
        rotation (float): In degrees, against the clock.
        scale (float): Is lowered where the region would not fit.
        most (tuple[int, int]): Highest height and width of the region afterwards.

    Returns:
        tuple[Part, float]: The part, and the scale that it got.
    """
    x, y, width, height = cv2.boundingRect(part.mask)
    corners = np.array([[x, y], [x + width, y], [x, y + height], [x + width, y + height]], np.float64)
    middle = corners.mean(0)
    turning = cv2.getRotationMatrix2D(middle.tolist(), rotation, 1.0)[:, :2]
    span = np.ptp((corners - middle) @ turning.T, axis=0)
    scale = float(min(scale, *(np.maximum(np.array(most[::-1]) - 2, 1) / span)))
    size = np.ceil(span * scale).astype(int) + 2 * MARGIN
    matrix = np.hstack([turning * scale, (size / 2 - turning @ middle * scale)[:, None]])
    size = tuple(int(side) for side in size)
    image = cv2.warpAffine(part.image, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    mask = cv2.warpAffine(part.mask * np.uint8(255), matrix, size, flags=cv2.INTER_LINEAR)
    return Part(image, (mask > 127).astype(np.uint8), part.left, part.top, True), scale


def choose_corner(
    part: Part, shape: tuple[int, int], aligned: bool | None, away: bool, beyond: bool, rng: np.random.Generator
) -> tuple[int, int]:
    """Where in an image the part's corner goes.

    Args:
        part (Part): With a region not larger than the image.
        shape (tuple[int, int]): Height and width of the image.
        aligned (bool, optional): Whether the part's grid of blocks falls on the image's, as far as there is such a
            place; None does not care.
        away (bool): Whether to keep off the place that the part comes from, as far as there is room.
        beyond (bool): Whether the region may reach over the image's border, by up to half of its width and height and
            three quarters of its area; else it lies inside.
        rng (np.random.Generator): Source of chance.

    Returns:
        tuple[int, int]: Left and top; may be negative, because the rectangle is larger than the region.
    """
    box = cv2.boundingRect(part.mask)
    least = [-box[0], -box[1]]
    most = [shape[1] - box[0] - box[2], shape[0] - box[1] - box[3]]
    if beyond:
        least = [low - side // 2 for low, side in zip(least, box[2:], strict=True)]
        most = [high + side // 2 for high, side in zip(most, box[2:], strict=True)]
    origin = part.left, part.top
    best, fewest = (least[0], least[1]), float('inf')
    for _ in range(TRIES):
        at = [_position(low, high, aligned, rng) for low, high in zip(least, most, strict=True)]
        cost = 0.0
        if away:
            overlap = [max(0, side - abs(to - of)) for side, to, of in zip(box[2:], at, origin, strict=True)]
            cost = overlap[0] * overlap[1] / (box[2] * box[3])
            cost = cost if cost > 0.1 else 0.0
        if aligned is not None and aligned != is_on_grid(*at):
            cost += 2.0
        if beyond and _kept_share(part.mask, (at[0], at[1]), shape) < LEAST_KEPT:
            continue
        if cost < fewest:
            best, fewest = (at[0], at[1]), cost
        if not fewest:
            break
    if beyond and fewest == float('inf'):
        return choose_corner(part, shape, aligned, away, False, rng)
    return best


def _kept_share(mask: np.ndarray, at: tuple[int, int], shape: tuple[int, int]) -> float:
    """How much of a region, by area, lies in an image of a height and width when its rectangle is put there."""
    inside = mask[max(0, -at[1]) : shape[0] - at[1], max(0, -at[0]) : shape[1] - at[0]]
    return int(np.count_nonzero(inside)) / max(1, int(np.count_nonzero(mask)))


def is_on_grid(left: int, top: int) -> bool:
    """Whether a part with this corner has its 8x8 blocks on the image's."""
    return left % BLOCK == 0 and top % BLOCK == 0


def _position(low: int, high: int, aligned: bool | None, rng: np.random.Generator) -> int:
    """A whole number in a range, a multiple of 16 where that is asked for and there is one."""
    first, last = -(-low // GRID), high // GRID
    if aligned and first <= last:
        return int(GRID * rng.integers(first, last + 1))
    return int(rng.integers(low, high + 1))


def paste_part(
    image: np.ndarray, part: Part, at: tuple[int, int], softness: float, poisson: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Lay a part over an image.

    Args:
        image (np.ndarray): uint8 RGB of shape (H, W, 3); is left as it is.
        part (Part): Is pasted where its mask is 1.
        at (tuple[int, int]): Left and top of the part's rectangle.
        softness (float): Standard deviation of the edge's blur in pixels; 0 for a hard edge.
        poisson (bool): Whether the gradients are kept rather than the values.

    Returns:
        tuple: The image, and its mask, uint8 (H, W): 255 in the part's region, whose edge is the middle of a soft
            one, and 0 elsewhere.
    """
    height, width = image.shape[:2]
    image, truth = image.copy(), np.zeros((height, width), np.uint8)
    left, top = max(0, at[0]), max(0, at[1])
    right, bottom = min(width, at[0] + part.mask.shape[1]), min(height, at[1] + part.mask.shape[0])
    inner = np.s_[top - at[1] : bottom - at[1], left - at[0] : right - at[0]]
    source, mask = np.ascontiguousarray(part.image[inner]), np.ascontiguousarray(part.mask[inner])
    under = np.ascontiguousarray(image[top:bottom, left:right])
    if poisson:
        source = _poisson(source, under, mask)
    image[top:bottom, left:right] = _blend(source, under, mask, softness)
    truth[top:bottom, left:right] = mask * np.uint8(255)
    return image, truth


def _blend(source: np.ndarray, under: np.ndarray, mask: np.ndarray, softness: float) -> np.ndarray:
    """The source where the mask is 1, with an edge as soft as asked."""
    if softness <= 0:
        return cv2.copyTo(source, mask, under)
    opacity = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), softness, borderType=cv2.BORDER_REPLICATE)
    return cv2.blendLinear(source, under, opacity, 1 - opacity)


def _poisson(source: np.ndarray, under: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The source with its gradients and the colours around it; unchanged where there is nothing around it."""
    inside = mask.copy()
    # OpenCV solves for the inside of the mask's rectangle, whose rim has to lie in the image.
    inside[[0, -1]] = inside[:, [0, -1]] = 0
    x, y, width, height = cv2.boundingRect(inside)
    if width < 3 or height < 3:
        return source
    middle = (x + width // 2, y + height // 2)
    return cv2.seamlessClone(source, under, inside * np.uint8(255), middle, cv2.NORMAL_CLONE)


def inpaint(image: np.ndarray, mask: np.ndarray, method: str, radius: int, most: int | None) -> np.ndarray:
    """Inpaint a region by OpenCV.

    Its time grows with the region's area and the square of the radius, so that the inner part of a large region can be
    filled in at a lower resolution, and the rim around it then at full.

    Args:
        image (np.ndarray): uint8 RGB of shape (H, W, 3); is left as it is.
        mask (np.ndarray): uint8 (H, W), 1 in the region.
        method (str): ``ns`` or ``telea``.
        radius (int): Of the surroundings of a pixel that count for it, in pixels.
        most (int, optional): A region of more pixels is filled in coarsely, as so many; None fills in every region at
            full resolution.
    """
    x, y, across, down = cv2.boundingRect(mask)
    around = np.s_[
        max(0, y - SURROUNDINGS) : y + down + SURROUNDINGS, max(0, x - SURROUNDINGS) : x + across + SURROUNDINGS
    ]
    image = image.copy()
    part, region = image[around].copy(), mask[around].copy()
    area = cv2.countNonZero(region)
    if most is not None and area > most:
        factor = (most / area) ** 0.5
        square = np.ones((2 * RIM + 1,) * 2, np.uint8)
        inner = cv2.erode(region, square, borderType=cv2.BORDER_CONSTANT, borderValue=1)
        part = cv2.copyTo(_coarse(part, region, method, radius, factor), inner, part)
        region -= inner
    image[around] = cv2.inpaint(part, region, radius, INPAINTING_FLAGS[method])
    return image


def _coarse(part: np.ndarray, region: np.ndarray, method: str, radius: int, factor: float) -> np.ndarray:
    """The part filled in at a lower resolution, at its own size."""
    size = tuple(max(1, round(side * factor)) for side in region.shape[::-1])
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    # Whatever has a pixel of the region in it would carry the region's content into the filling.
    covered = cv2.resize(region * np.uint8(255), size, interpolation=cv2.INTER_AREA) > 0
    filled = cv2.inpaint(small, covered.astype(np.uint8), radius, INPAINTING_FLAGS[method])
    return cv2.resize(filled, region.shape[::-1], interpolation=cv2.INTER_CUBIC)
