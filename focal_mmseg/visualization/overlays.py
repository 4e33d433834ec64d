"""A mask over its image."""

import cv2
import numpy as np

FORGED_BGR = (0, 0, 255)


def overlay_mask(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Tint the forged regions red and draw their contours.

    Args:
        image (np.ndarray): uint8 BGR of shape (H, W, 3).
        mask (np.ndarray): uint8 of shape (H, W), not 0 where forged.

    Returns:
        np.ndarray: uint8 BGR of shape (H, W, 3).
    """
    drawn = image.copy()
    forged = mask > 0
    drawn[forged] = (0.6 * drawn[forged] + 0.4 * np.array(FORGED_BGR)).astype(np.uint8)
    contours = cv2.findContours(forged.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)[0]
    thickness = max(1, round(min(mask.shape) / 256))
    return cv2.drawContours(drawn, contours, -1, FORGED_BGR, thickness)
