"""Masks and score maps in files that any tool wrote."""

from pathlib import Path

import cv2
import numpy as np

from .array_files import read_array
from .image_files import image_bytes

# Fields of a data sample that are maps of the image's size in [0, 1], beside its mask and score.
MAPS = ('confidence', 'edge')
ARRAYS = ('.npy', '.npz')
# A JPEG's grey may be this far from grey, in levels.
ROUNDED = 8


def to_16_bits(values: np.ndarray) -> np.ndarray:
    """Numbers of [0, 1] as 0..65535, for a PNG."""
    return np.round(values * 65535).astype(np.uint16)


def read_score_map(path: str | Path, key: str = 'map', white: int | None = None) -> np.ndarray:
    """Read a mask or a score map, white or high for whatever the tool looks for.

    Args:
        path (str | Path): An image of 8 or 16 bits without colours, or ``.npy`` or ``.npz`` with an array (H, W):
            bool, float in [0, 1], or uint8 or uint16 as an image has them.
        key (str): Name of the array in an ``.npz``. Defaults to ``'map'``, TruFor's.
        white (int, optional): The whole number that is surely forged. Defaults to 255 of 8 bits and 65535 of 16.

    Returns:
        np.ndarray: float32 of shape (H, W) in [0, 1].

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file cannot be read, declares more pixels than fit, holds no such array or one of another
            form, is in colour, has values outside the range, or has 0 and 1 alone as whole numbers, which is a mask or
            a nearly black map.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'{path} does not exist')
    values = _flat(read_array(path, key)) if path.suffix.lower() in ARRAYS else _read_levels(path)
    if values.ndim != 2 or not values.size:
        raise ValueError(f'{path} holds an array of shape {values.shape}, where one map (H, W) is wanted')
    if values.dtype == bool:
        return values.astype(np.float32)
    if values.dtype in (np.uint8, np.uint16):
        return _normalise_integers(values, white, path)
    if not np.issubdtype(values.dtype, np.floating):
        raise ValueError(f'{path} holds {values.dtype}: save it as float in [0, 1], uint8 or uint16')
    # Written so that NaN fails too.
    if not (values.min() >= 0 and values.max() <= 1):
        raise ValueError(
            f'{path} has values from {values.min():g} to {values.max():g}, where a score is in [0, 1]: apply the '
            "tool's sigmoid or softmax, or divide by what it calls surely forged, before saving"
        )
    return values.astype(np.float32)


def read_image_score(path: str | Path, key: str) -> float:
    """Read how sure a tool is that an image as a whole is forged.

    Args:
        path (str | Path): An ``.npz``, as TruFor writes.
        key (str): Name of the number in it.

    Returns:
        float: In [0, 1].

    Raises:
        ValueError: If the file cannot be read, is no ``.npz``, or holds no such number.
    """
    if Path(path).suffix.lower() != '.npz':
        raise ValueError(f'{path} is no .npz, in which a score of the image could be: leave score_key out')
    found = read_array(path, key)
    if found.size != 1 or found.dtype.kind not in 'bfiu' or not 0 <= float(found.item()) <= 1:
        raise ValueError(f'{path} holds under {key!r} no number in [0, 1] but {found.dtype} of shape {found.shape}')
    return float(found.item())


def _normalise_integers(values: np.ndarray, white: int | None, path: Path) -> np.ndarray:
    """Whole numbers over the one that is white."""
    highest = int(values.max())
    if white is None and highest == 1:
        raise ValueError(
            f'{path} has values of 0 and 1 alone: say white=1 if it is a mask, or white={np.iinfo(values.dtype).max} '
            'if it is a score map that is nearly black'
        )
    white = white or np.iinfo(values.dtype).max
    if highest > white:
        raise ValueError(f'{path} has values up to {highest}, above white={white}')
    return (values / white).astype(np.float32)


def _flat(found: np.ndarray) -> np.ndarray:
    """An array without leading sides of length 1."""
    return found.reshape(found.shape[-2:]) if found.ndim > 2 and found.size == np.prod(found.shape[-2:]) else found


def _read_levels(path: Path) -> np.ndarray:
    """An image's grey levels, at the depth of the file."""
    content = np.frombuffer(image_bytes(path), np.uint8)
    try:
        grey = cv2.imdecode(content, cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH)
        unchanged = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
    except cv2.error:
        grey = None
    if grey is None or unchanged is None:
        raise ValueError(f'{path} cannot be read: it is no image, or truncated')
    if unchanged.ndim == 3 and unchanged.shape[2] == 4 and np.ptp(unchanged[..., 3]):
        raise ValueError(f'{path} is partly transparent: save it without transparency, in black and white')
    if unchanged.ndim == 3 and np.ptp(unchanged[..., :3].astype(np.int32), axis=2).max() > ROUNDED:
        raise ValueError(
            f'{path} is in colour, as of a palette or a heat map, and a colour is no score: save the mask or the score '
            'itself in grey levels, white where forged'
        )
    return grey
