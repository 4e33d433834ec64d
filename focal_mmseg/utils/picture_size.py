"""Refusing pictures that would fill the memory."""

import warnings
from pathlib import Path

from PIL import Image, UnidentifiedImageError


def require_bearable_size(path: str | Path) -> None:
    """Refuse a file whose header declares more pixels than Pillow bears, 179 million; nothing is decoded.

    A file that Pillow cannot tell passes: OpenCV, which reads the pixels, has a bound of its own, 2 to the power of 30.

    Raises:
        ValueError: Names the file.
    """
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', Image.DecompressionBombWarning)
        try:
            with Image.open(path):
                return
        except Image.DecompressionBombError as error:
            raise ValueError(f'{path} declares too many pixels: {error}') from error
        except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
            return
