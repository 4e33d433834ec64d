"""What a picture went through before it met the forger: compression, noise or blur."""

from dataclasses import dataclass

import cv2
import numpy as np

# Ranges that strengths are drawn from: JPEG quality, standard deviation of the noise in grey levels of 0..255, and of
# the blur in pixels.
STRENGTHS = dict(jpeg=(30, 70), noise=(5.0, 14.0), blur=(0.8, 1.8))

SAMPLING_FACTORS = {
    '4:2:0': cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    '4:2:2': cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    '4:4:4': cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
}


@dataclass(frozen=True)
class History:
    """One processing step and its strength, in the units of ``STRENGTHS``."""

    kind: str
    strength: float


def draw_history(rng: np.random.Generator) -> History:
    """A kind of history and its strength, each uniformly."""
    kind = str(rng.choice(sorted(STRENGTHS)))
    return History(kind, float(rng.uniform(*STRENGTHS[kind])))


def compress(image: np.ndarray, quality: int, subsampling: str = '4:2:0') -> np.ndarray:
    """A uint8 RGB picture after one JPEG compression (libjpeg's tables)."""
    return cv2.cvtColor(cv2.imdecode(encode(image, quality, subsampling), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def encode(image: np.ndarray, quality: int, subsampling: str = '4:2:0') -> np.ndarray:
    """The bytes of a JPEG file with libjpeg's tables.

    Args:
        image (np.ndarray): uint8 RGB of shape (H, W, 3).
        quality (int): libjpeg's, in 1..100.
        subsampling (str): ``4:2:0``, ``4:2:2`` or ``4:4:4``. Defaults to ``4:2:0``.

    Returns:
        np.ndarray: uint8 of shape (bytes,).
    """
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, SAMPLING_FACTORS[subsampling]]
    return cv2.imencode('.jpg', cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)[1]


def live_through(image: np.ndarray, history: History, rng: np.random.Generator) -> np.ndarray:
    """Apply a history to a uint8 RGB picture.

    Raises:
        ValueError: If the kind is unknown.
    """
    if history.kind == 'jpeg':
        return compress(image, round(history.strength))
    if history.kind == 'noise':
        noisy = image + rng.normal(0, history.strength, image.shape)
        return np.clip(np.round(noisy), 0, 255).astype(np.uint8)
    if history.kind == 'blur':
        return cv2.GaussianBlur(image, (0, 0), history.strength)
    raise ValueError(f'unknown history {history.kind!r}, there are {", ".join(STRENGTHS)}')
