"""What a picture went through before it met the forger: compression, noise or blur."""

from dataclasses import dataclass

import cv2
import numpy as np

# Ranges that strengths are drawn from: JPEG quality, standard deviation of the noise in grey levels of 0..255, and of
# the blur in pixels.
STRENGTHS = dict(jpeg=(30, 70), noise=(5.0, 14.0), blur=(0.8, 1.8))


@dataclass(frozen=True)
class History:
    """One processing step and its strength, in the units of ``STRENGTHS``."""

    kind: str
    strength: float


def draw_history(rng: np.random.Generator) -> History:
    """A kind of history and its strength, each uniformly."""
    kind = str(rng.choice(sorted(STRENGTHS)))
    return History(kind, float(rng.uniform(*STRENGTHS[kind])))


def compress(image: np.ndarray, quality: int) -> np.ndarray:
    """A uint8 RGB picture after one JPEG compression (libjpeg's tables, 4:2:0)."""
    encoded = cv2.imencode('.jpg', image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1]


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
