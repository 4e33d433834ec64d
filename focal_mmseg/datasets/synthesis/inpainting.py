"""Regions filled in from their surroundings."""

import cv2
import numpy as np

FLAGS = dict(ns=cv2.INPAINT_NS, telea=cv2.INPAINT_TELEA)
# Of the region that filling in looks at.
SURROUNDINGS = 16
# Width of what is filled in at full resolution around what was filled in coarsely.
RIM = 6


def fill(image: np.ndarray, mask: np.ndarray, method: str, radius: int, most: int | None) -> np.ndarray:
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
    image[around] = cv2.inpaint(part, region, radius, FLAGS[method])
    return image


def _coarse(part: np.ndarray, region: np.ndarray, method: str, radius: int, factor: float) -> np.ndarray:
    """The part filled in at a lower resolution, at its own size."""
    size = tuple(max(1, round(side * factor)) for side in region.shape[::-1])
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    # Whatever has a pixel of the region in it would carry the region's content into the filling.
    covered = cv2.resize(region * np.uint8(255), size, interpolation=cv2.INTER_AREA) > 0
    filled = cv2.inpaint(small, covered.astype(np.uint8), radius, FLAGS[method])
    return cv2.resize(filled, region.shape[::-1], interpolation=cv2.INTER_CUBIC)
