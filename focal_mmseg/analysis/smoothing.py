"""Priors on neighbours in a map of evidence: what is forged comes in areas."""

import cv2
import numpy as np

CROSS = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32)


def box(plane: np.ndarray, radius: int) -> np.ndarray:
    """The mean of each square window of float32 (h, w), mirrored at the border."""
    return cv2.blur(plane, (2 * radius + 1,) * 2, borderType=cv2.BORDER_REFLECT)


def guided(plane: np.ndarray, guide: np.ndarray, radius: int, softness: float) -> np.ndarray:
    """The guided filter (He, Sun and Tang, 2013): locally an affine function of the guide.

    Args:
        plane (np.ndarray): float32 of shape (h, w), what is smoothed.
        guide (np.ndarray): float32 of shape (h, w), whose edges are kept.
        radius (int): Of the windows.
        softness (float): Share of the guide's variance in the map below which a window counts as flat.
    """
    mean, centre = box(plane, radius), box(guide, radius)
    variance = box(guide * guide, radius) - centre**2
    slope = (box(plane * guide, radius) - mean * centre) / (variance + softness * guide.var() + 1e-12)
    return box(slope, radius) * guide + box(mean - slope * centre, radius)


def potts(plane: np.ndarray, threshold: float, coupling: float, rounds: int) -> np.ndarray:
    """Mean-field rounds of a Potts model of two classes on four neighbours.

    Args:
        plane (np.ndarray): float32 of shape (h, w), evidence of at least 0; its logit is log(evidence / threshold).
        threshold (float): Above 0.
        coupling (float): By how much one neighbour that is surely forged raises the logit.
        rounds (int): Of updates.

    Returns:
        np.ndarray: float32 of shape (h, w): threshold times the odds.
    """
    own = np.log(plane.clip(1e-6) / threshold)
    logit = own
    for _ in range(rounds):
        # At the border the map goes on as it ends.
        near = cv2.filter2D(np.tanh(logit / 2), -1, CROSS, borderType=cv2.BORDER_REPLICATE)
        logit = own + coupling * near
    return threshold * np.exp(logit)
