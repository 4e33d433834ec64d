"""One forgery at a time: splicing, copy-move, and the picture that nobody touched."""

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from .history import draw_history, live_through
from .regions import irregular_region

SHARES = (0.06, 0.25)
SOFTNESS = (0.5, 1.5)
SCALES = (0.8, 1.25)
ROTATIONS = (-30.0, 30.0)
PHOTOGRAPH_SCALES = (0.6, 1.0)


@dataclass(frozen=True)
class Forgery:
    """A picture with its truth.

    Attributes:
        image (np.ndarray): uint8 RGB of shape (S, S, 3), before the last compression.
        mask (np.ndarray): uint8 of shape (S, S): 255 forged, 0 pristine.
        parameters (dict): What was drawn and is worth a column of the manifest; ``scale`` is that of what was pasted,
            or of the whole photograph where nothing was.
    """

    image: np.ndarray
    mask: np.ndarray
    parameters: dict[str, Any] = field(default_factory=dict)


def pristine(photograph: np.ndarray, size: int, rng: np.random.Generator) -> Forgery:
    """A square of a photograph, perhaps mirrored, at a random scale, with nothing done to it.

    Args:
        photograph (np.ndarray): uint8 RGB of shape (H, W, 3).
        size (int): Side of the square.
        rng (np.random.Generator): Source of chance.

    Returns:
        Forgery: With an empty mask.
    """
    shorter = min(photograph.shape[:2])
    scale = max(rng.uniform(*PHOTOGRAPH_SCALES), size / shorter)
    height, width = (max(size, round(side * scale)) for side in photograph.shape[:2])
    photograph = cv2.resize(photograph, (width, height), interpolation=cv2.INTER_AREA)
    top = rng.integers(photograph.shape[0] - size + 1)
    left = rng.integers(photograph.shape[1] - size + 1)
    image = photograph[top : top + size, left : left + size]
    if rng.random() < 0.5:
        image = image[:, ::-1]
    return Forgery(np.ascontiguousarray(image), np.zeros((size, size), np.uint8), dict(scale=round(float(scale), 3)))


def splice(host: np.ndarray, donor: np.ndarray, size: int, rng: np.random.Generator) -> Forgery:
    """Part of one photograph pasted into another.

    Args:
        host (np.ndarray): uint8 RGB photograph of shape (H, W, 3).
        donor (np.ndarray): Another photograph.
        size (int): Side of the picture made.
        rng (np.random.Generator): Source of chance.
    """
    target, source = pristine(host, size, rng), pristine(donor, size, rng)
    return _paste(target.image, source.image, rng)


def copy_move(host: np.ndarray, size: int, rng: np.random.Generator) -> Forgery:
    """Part of a photograph pasted elsewhere into the same photograph.

    Args:
        host (np.ndarray): uint8 RGB photograph of shape (H, W, 3).
        size (int): Side of the picture made.
        rng (np.random.Generator): Source of chance.
    """
    image = pristine(host, size, rng).image
    # By a quarter to three quarters of the side either way; what moves in from outside is the picture's reflection,
    # without a seam.
    shift = rng.integers(size // 4, 3 * size // 4, 2) * rng.choice([-1, 1], 2)
    move = np.float32([[1, 0, shift[0]], [0, 1, shift[1]]])
    moved = cv2.warpAffine(image, move, (size, size), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT)
    return _paste(image, moved, rng)


def _paste(target: np.ndarray, source: np.ndarray, rng: np.random.Generator) -> Forgery:
    """Resize, rotate and age the source, then lay an irregular, soft-edged region of it over the target."""
    size = len(target)
    scale, rotation = rng.uniform(*SCALES), rng.uniform(*ROTATIONS)
    turn = cv2.getRotationMatrix2D((size / 2, size / 2), rotation, scale)
    source = cv2.warpAffine(source, turn, (size, size), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    history = draw_history(rng)
    source = live_through(source, history, rng)
    share, softness = rng.uniform(*SHARES), rng.uniform(*SOFTNESS)
    opacity = irregular_region(size, share, softness, rng)
    image = target * (1 - opacity[..., None]) + source * opacity[..., None]
    drawn = dict(
        scale=round(scale, 3),
        rotation=round(rotation, 1),
        history=history.kind,
        strength=round(history.strength, 2),
        share=round(float((opacity > 0.5).mean()), 4),
        softness=round(softness, 2),
    )
    return Forgery(np.round(image).astype(np.uint8), (opacity > 0.5).astype(np.uint8) * 255, drawn)
