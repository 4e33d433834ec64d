"""Masks and score maps in files that any tool wrote."""

from pathlib import Path

import cv2
import numpy as np
from numpy.lib.npyio import NpzFile

from .picture_size import require_bearable_bytes, require_bearable_size

ARRAYS = ('.npy', '.npz')


def read_score_map(path: str | Path, key: str = 'map', white: int | None = None) -> np.ndarray:
    """Read a mask or a score map, white or high for whatever the tool looks for.

    Args:
        path (str | Path): A grey picture of 8 or 16 bits (colours are taken by their luminance), or ``.npy`` or
            ``.npz`` with an array (H, W): bool, float in [0, 1], or uint8 or uint16 as a picture has them.
        key (str): Name of the array in an ``.npz``. Defaults to ``'map'``, TruFor's.
        white (int, optional): The whole number that is surely forged. Defaults to 255 of 8 bits and 65535 of 16.

    Returns:
        np.ndarray: float32 of shape (H, W) in [0, 1].

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file cannot be read, holds no such array or one of another form, has values outside the
            range, or has 0 and 1 alone as whole numbers, which is a mask or a nearly black map.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'{path} does not exist')
    values = _array(path, key) if path.suffix.lower() in ARRAYS else _picture(path)
    if values.ndim != 2 or not values.size:
        raise ValueError(f'{path} holds an array of shape {values.shape}, where one map (H, W) is wanted')
    if values.dtype == bool:
        return values.astype(np.float32)
    if values.dtype in (np.uint8, np.uint16):
        return _of_whole_numbers(values, white, path)
    if not np.issubdtype(values.dtype, np.floating):
        raise ValueError(f'{path} holds {values.dtype}: save it as float in [0, 1], uint8 or uint16')
    # Written so that NaN fails too.
    if not (values.min() >= 0 and values.max() <= 1):
        raise ValueError(
            f'{path} has values from {values.min():g} to {values.max():g}, where a score is in [0, 1]: apply the '
            "tool's sigmoid or softmax, or divide by what it calls surely forged, before saving"
        )
    return values.astype(np.float32)


def _of_whole_numbers(values: np.ndarray, white: int | None, path: Path) -> np.ndarray:
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


def _array(path: Path, key: str) -> np.ndarray:
    """What an array file holds, without leading sides of length 1; objects, which can run code, are refused."""
    try:
        with path.open('rb') as file:
            require_bearable_bytes(path.stat().st_size, str(path))
            content = np.load(file, allow_pickle=False)
            names = getattr(content, 'files', [key])
            found = content if isinstance(content, np.ndarray) else _unpacked(content, key) if key in names else None
    except Exception as error:  # damaged bytes make numpy and zip fail in any way
        raise ValueError(f'{path} cannot be read: it is no array file, truncated or too large ({error})') from error
    if found is None:
        raise ValueError(f'{path} has no array {key!r} but {", ".join(names)}: set key to the one with the map')
    return found.reshape(found.shape[-2:]) if found.ndim > 2 and found.size == np.prod(found.shape[-2:]) else found


def _unpacked(content: NpzFile, key: str) -> np.ndarray:
    """An array of an ``.npz``, unless a small file unpacks to something huge."""
    for each in content.zip.infolist():
        if each.filename in (key, f'{key}.npy'):
            require_bearable_bytes(each.file_size, each.filename)
    return content[key]


def _picture(path: Path) -> np.ndarray:
    """A picture's grey levels, at the depth of the file."""
    require_bearable_size(path)
    content = np.frombuffer(path.read_bytes(), np.uint8)
    try:
        grey = cv2.imdecode(content, cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH)
        unchanged = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
    except cv2.error:
        grey = None
    if grey is None:
        raise ValueError(f'{path} cannot be read: it is no picture, or truncated')
    if unchanged.ndim == 3 and unchanged.shape[2] == 4 and np.ptp(unchanged[..., 3]):
        raise ValueError(f'{path} is partly transparent: save it without transparency, in black and white')
    return grey
