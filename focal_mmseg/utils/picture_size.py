"""Refusing pictures that would fill the memory."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

# What Pillow and OpenCV both read, and find the same size in. Of a kind that OpenCV alone reads nobody knows the size
# before it is decoded. GIF is left out because OpenCV takes many seconds for a few bytes that declare a large one.
KINDS = ('BMP', 'JPEG', 'PNG', 'PPM', 'TIFF', 'WEBP')
MOST_BYTES = 2**30


def require_bearable_size(path: str | Path) -> None:
    """Refuse a file of more than 1 GiB, of more pixels than Pillow bears, 179 million, or of no kind in ``KINDS``.

    Its header alone is read, nothing is decoded.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: Names the file.
    """
    with Path(path).open('rb') as file:
        require_bearable_bytes(os.fstat(file.fileno()).st_size, str(path))
        with header_of(file, str(path)):
            pass


def require_bearable_bytes(size: int, name: str) -> None:
    """Refuse more than 1 GiB.

    Args:
        size (int): Of a file or a part of it, in bytes.
        name (str): Of the file, for errors.

    Raises:
        ValueError: If there are more.
    """
    if size > MOST_BYTES:
        raise ValueError(f'{name} is refused: it has {size} bytes, more than {MOST_BYTES}')


@contextmanager
def header_of(file: BinaryIO, name: str) -> Iterator[Image.Image]:
    """Open a picture whose pixels may be decoded: it does not declare too many.

    Args:
        file (BinaryIO): Its bytes.
        name (str): Of the file, for errors.

    Yields:
        Image.Image: Not decoded.

    Raises:
        ValueError: If it is of no kind in ``KINDS``, damaged, or declares too many pixels.
    """
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        try:
            image = Image.open(file, formats=KINDS)
        except Image.DecompressionBombError as error:
            raise ValueError(f'{name} declares too many pixels: {error}') from error
        except Exception as error:  # damaged bytes make Pillow fail in any way
            # Of a file of no kind Pillow says nothing more than that.
            reason = '' if isinstance(error, UnidentifiedImageError) else f' ({error})'
            raise ValueError(f'{name} cannot be read: it is no image, or truncated{reason}') from error
    with image:
        yield image
