"""What an image or a part of it goes through: JPEG compression, colours, one step of processing."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from PIL.JpegPresets import presets

from ..jpeg import decode_jpeg, encode_jpeg
from ..pixel_values import add_gaussian_noise
from .recipe import Recipe

# Quantisation tables, luma and chroma, that cameras wrote into their files, each 64 numbers row by row.
CAMERA_TABLES = Path(__file__).with_name('camera_tables.json')
CAMERA = 'camera-'


def compress(image: np.ndarray, quality: int | str, subsampling: str = '4:2:0') -> np.ndarray:
    """A uint8 RGB image after one JPEG compression, see :func:`encode`."""
    return decode(encode(image, quality, subsampling))


def decode(content: bytes) -> np.ndarray:
    """The uint8 RGB image of a JPEG file."""
    return cv2.cvtColor(decode_jpeg(content), cv2.COLOR_BGR2RGB)


def encode(image: np.ndarray, quality: int | str, subsampling: str = '4:2:0') -> bytes:
    """The JPEG file of an image.

    Args:
        image (np.ndarray): uint8 RGB of shape (H, W, 3).
        quality (int | str): libjpeg's, in 1..100, for its tables; or one of :func:`named_tables`.
        subsampling (str): ``4:2:0``, ``4:2:2`` or ``4:4:4``. Defaults to ``4:2:0``.
    """
    tables = _tables(quality) if isinstance(quality, str) else quality
    return encode_jpeg(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), tables, subsampling)


@cache
def named_tables() -> list[str]:
    """Names of quantisation tables that are not libjpeg's: an image editor's, which Pillow has, and cameras'."""
    editor = [name for name in sorted(presets) if name != 'keep']
    return editor + [f'{CAMERA}{number}' for number in range(len(_camera_tables()))]


@cache
def _camera_tables() -> list[list[list[int]]]:
    return json.loads(CAMERA_TABLES.read_text(encoding='utf-8'))


def _tables(name: str) -> Sequence[Sequence[int]]:
    """Luma and chroma tables of a name."""
    if name.startswith(CAMERA):
        return _camera_tables()[int(name.removeprefix(CAMERA))]
    return cast(list[list[int]], presets[name]['quantization'])


def recolour(image: np.ndarray, recipe: Recipe, rng: np.random.Generator) -> tuple[np.ndarray, dict[str, object]]:
    """Luminance, contrast and colour, by what a recipe draws.

    Args:
        image (np.ndarray): uint8 RGB of shape (H, W, 3).
        recipe (Recipe): For its ranges.
        rng (np.random.Generator): Source of chance.

    Returns:
        tuple: The image, and what was drawn.
    """
    luminance, contrast = recipe.luminance.sample(rng), recipe.contrast.sample(rng)
    colour = None
    if rng.random() < recipe.colour.probability:
        colour = rng.uniform(recipe.colour.low, recipe.colour.high, 3)
    if luminance is contrast is colour is None:
        return image, {}
    middle = np.array(cv2.mean(image)[:3])
    table = (np.arange(256.0)[:, None] - middle) * (1.0 if contrast is None else contrast) + middle
    table = table * (1.0 if colour is None else colour) + (luminance or 0.0)
    changed = cv2.LUT(image, np.clip(np.round(table), 0, 255).astype(np.uint8)[None])
    drawn: dict[str, object] = dict(
        luminance=_rounded(luminance),
        contrast=_rounded(contrast),
        colour='' if colour is None else '/'.join(f'{gain:.3f}' for gain in colour),
    )
    return changed, drawn


def process(image: np.ndarray, recipe: Recipe, rng: np.random.Generator) -> tuple[np.ndarray, dict[str, object]]:
    """One step of a recipe's, chosen uniformly, at a strength of its range.

    Returns:
        tuple: The image, uint8 RGB of the same shape, and what was drawn.
    """
    step = sorted(recipe.steps)[rng.integers(len(recipe.steps))]
    strength = float(rng.uniform(*recipe.steps[step]))
    if step == 'median':
        strength = 2 * round((strength - 1) / 2) + 1
    elif step == 'jpeg':
        strength = round(strength)
    return apply_step(image, step, strength, rng), dict(processing=step, strength=_rounded(strength))


def apply_step(image: np.ndarray, step: str, strength: float, rng: np.random.Generator) -> np.ndarray:
    """One step of processing on a uint8 RGB image; ``STEPS`` says what the strength means."""
    if step == 'blur':
        return cv2.GaussianBlur(image, (0, 0), strength)
    if step == 'jpeg':
        return compress(image, int(strength))
    if step == 'median':
        return cv2.medianBlur(image, int(strength))
    if step == 'sharpen':
        return cv2.addWeighted(image, 1 + strength, cv2.GaussianBlur(image, (0, 0), 1.0), -strength, 0)
    return add_gaussian_noise(image, strength, rng)


def _rounded(value: float | None) -> float | str:
    return '' if value is None else round(value, 3)
