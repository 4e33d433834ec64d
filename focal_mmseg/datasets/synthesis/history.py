"""What a picture went through before it met the forger: compression, noise or blur."""

import json
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from PIL.JpegPresets import presets

# Ranges that strengths are drawn from: JPEG quality, standard deviation of the noise in grey levels of 0..255, and of
# the blur in pixels.
STRENGTHS = dict(jpeg=(30, 70), noise=(5.0, 14.0), blur=(0.8, 1.8))

# Quantisation tables, luma and chroma, that cameras wrote into their files, each 64 numbers row by row.
CAMERA_TABLES = Path(__file__).with_name('camera_tables.json')
CAMERA = 'camera-'
PILLOW_SUBSAMPLING = {'4:4:4': 0, '4:2:2': 1, '4:2:0': 2}

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


def compress(image: np.ndarray, quality: int | str, subsampling: str = '4:2:0') -> np.ndarray:
    """A uint8 RGB picture after one JPEG compression, see :func:`encode`."""
    return decode(encode(image, quality, subsampling))


def decode(content: np.ndarray | bytes) -> np.ndarray:
    """The uint8 RGB picture of a JPEG file."""
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def encode(image: np.ndarray, quality: int | str, subsampling: str = '4:2:0') -> np.ndarray:
    """The bytes of a JPEG file.

    Args:
        image (np.ndarray): uint8 RGB of shape (H, W, 3).
        quality (int | str): libjpeg's, in 1..100, for its tables; or one of :func:`named_tables`.
        subsampling (str): ``4:2:0``, ``4:2:2`` or ``4:4:4``. Defaults to ``4:2:0``.

    Returns:
        np.ndarray: uint8 of shape (bytes,).
    """
    if isinstance(quality, str):
        file = BytesIO()
        sampling = PILLOW_SUBSAMPLING[subsampling]
        Image.fromarray(image).save(file, 'JPEG', qtables=_tables(quality), subsampling=sampling)
        return np.frombuffer(file.getvalue(), np.uint8)
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, SAMPLING_FACTORS[subsampling]]
    return cv2.imencode('.jpg', cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)[1]


@cache
def named_tables() -> list[str]:
    """Names of quantisation tables that are not libjpeg's: an image editor's, which Pillow has, and cameras'."""
    editor = [name for name in sorted(presets) if name != 'keep']
    return editor + [f'{CAMERA}{number}' for number in range(len(_camera_tables()))]


@cache
def _camera_tables() -> list[list[list[int]]]:
    return json.loads(CAMERA_TABLES.read_text(encoding='utf-8'))


def _tables(name: str) -> list[list[int]]:
    """Luma and chroma tables of a name."""
    if name.startswith(CAMERA):
        return _camera_tables()[int(name.removeprefix(CAMERA))]
    return presets[name]['quantization']


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
