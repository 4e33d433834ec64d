"""What the pasted part goes through: colour, and one step of processing."""

import cv2
import numpy as np

from .history import compress
from .recipes import Recipe


def recolour(image: np.ndarray, recipe: Recipe, rng: np.random.Generator) -> tuple[np.ndarray, dict[str, object]]:
    """Luminance, contrast and colour, by what a recipe draws.

    Args:
        image (np.ndarray): uint8 RGB of shape (H, W, 3).
        recipe (Recipe): For its ranges.
        rng (np.random.Generator): Source of chance.

    Returns:
        tuple: The picture, and what was drawn.
    """
    luminance, contrast = recipe.luminance.of(rng), recipe.contrast.of(rng)
    colour = None
    if rng.random() < recipe.colour.probability:
        colour = rng.uniform(recipe.colour.low, recipe.colour.high, 3)
    if luminance is contrast is colour is None:
        return image, {}
    middle = np.array(cv2.mean(image)[:3])
    table = (np.arange(256.0)[:, None] - middle) * (1.0 if contrast is None else contrast) + middle
    table = table * (1.0 if colour is None else colour) + (luminance or 0.0)
    changed = cv2.LUT(image, np.clip(np.round(table), 0, 255).astype(np.uint8)[None])
    drawn = dict(
        luminance=_rounded(luminance),
        contrast=_rounded(contrast),
        colour='' if colour is None else '/'.join(f'{gain:.3f}' for gain in colour),
    )
    return changed, drawn


def process(image: np.ndarray, recipe: Recipe, rng: np.random.Generator) -> tuple[np.ndarray, dict[str, object]]:
    """One step of a recipe's, chosen uniformly, at a strength of its range.

    Returns:
        tuple: The picture, uint8 RGB of the same shape, and what was drawn.
    """
    step = sorted(recipe.steps)[rng.integers(len(recipe.steps))]
    strength = float(rng.uniform(*recipe.steps[step]))
    if step == 'median':
        strength = 2 * round((strength - 1) / 2) + 1
    elif step == 'jpeg':
        strength = round(strength)
    return apply_step(image, step, strength, rng), dict(processing=step, strength=_rounded(strength))


def apply_step(image: np.ndarray, step: str, strength: float, rng: np.random.Generator) -> np.ndarray:
    """One step of processing on a uint8 RGB picture; ``STEPS`` says what the strength means."""
    if step == 'blur':
        return cv2.GaussianBlur(image, (0, 0), strength)
    if step == 'jpeg':
        return compress(image, int(strength))
    if step == 'median':
        return cv2.medianBlur(image, int(strength))
    if step == 'sharpen':
        return cv2.addWeighted(image, 1 + strength, cv2.GaussianBlur(image, (0, 0), 1.0), -strength, 0)
    noise = rng.standard_normal(image.shape, np.float32)
    noise *= strength
    noise += image
    return np.clip(np.rint(noise, out=noise), 0, 255, out=noise).astype(np.uint8)


def _rounded(value: float | None) -> float | str:
    return '' if value is None else round(value, 3)
