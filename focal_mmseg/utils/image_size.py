"""Refusing images that would fill the memory, and kinds that nobody reads."""

import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from .image_kinds import HEAD, READ, image_kind

# What Pillow and OpenCV both read, and find the same size in: OpenCV decodes these.
OPENCV_KINDS = ('BMP', 'JPEG', 'PNG', 'PPM', 'TIFF', 'WEBP')
# What Pillow decodes. OpenCV takes many seconds for a few bytes of GIF that declare a large one, and of the others
# nobody knows that it allocates the size that Pillow found.
PILLOW_KINDS = ('GIF', 'JPEG2000', 'AVIF', 'HEIF')
# The same, as they are called in image_kinds.
BY_PILLOW = ('GIF', 'JPEG 2000', 'AVIF', 'HEIC')
MOST_BYTES = 2**30
# JPEG 2000 has its size twice, and OpenJPEG goes by the one in the codestream.
_CODESTREAM = re.compile(rb'\xff\x4f\xff\x51.{4}(.{4})(.{4}).{8}(.{4})(.{4})', re.DOTALL)


def check_image_size(path: str | Path) -> None:
    """Refuse a file of more than 1 GiB, of more pixels than Pillow bears, 179 million, or of a kind that is not read.

    Its header alone is read, nothing is decoded.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: Names the file.
    """
    with Path(path).open('rb') as file:
        check_file_size(os.fstat(file.fileno()).st_size, str(path))
        with image_header(file, str(path)):
            pass


def check_file_size(size: int, name: str) -> None:
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
def image_header(file: BinaryIO, name: str) -> Iterator[Image.Image]:
    """Open an image whose pixels may be decoded: it does not declare too many.

    Args:
        file (BinaryIO): Its bytes.
        name (str): Of the file, for errors.

    Yields:
        Image.Image: Not decoded.

    Raises:
        ValueError: If it is of no kind in ``OPENCV_KINDS`` or ``PILLOW_KINDS``, damaged, or declares too many pixels.
    """
    Image.init()
    kind = image_kind(file.read(HEAD), name)
    file.seek(0)
    if kind and (lacking := why_not_read(kind)):
        raise ValueError(f'{name} cannot be read: it is {kind}, {lacking}')
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        try:
            image = Image.open(file, formats=[each for each in (*OPENCV_KINDS, *PILLOW_KINDS) if each in Image.OPEN])
            if image.format == 'JPEG2000':
                _require_bearable_codestreams(file)
        except Image.DecompressionBombError as error:
            raise ValueError(f'{name} declares too many pixels: {error}') from error
        except Exception as error:  # damaged bytes make Pillow fail in any way
            # Of a file of no kind Pillow says nothing more than that.
            reason = '' if isinstance(error, UnidentifiedImageError) else f' ({error})'
            raise ValueError(f'{name} cannot be read: it is no image, or truncated{reason}') from error
    with image:
        yield image


def why_not_read(kind: str) -> str:
    """Why images of a kind are not read, and what to do; '' if they are.

    Args:
        kind (str): As :func:`~focal_mmseg.utils.image_kinds.image_kind` calls it.
    """
    if kind not in READ:
        return 'which is not read: save it as PNG'
    if kind == 'HEIC':
        try:
            import pillow_heif
        except ImportError:
            return 'which needs the extra pillow-heif: pip install pillow-heif'
        if 'HEIF' not in Image.OPEN:
            pillow_heif.register_heif_opener()
    Image.init()
    if kind == 'AVIF' and 'AVIF' not in Image.OPEN:
        return 'which needs Pillow 11.3 or newer: pip install -U pillow'
    return ''


def _require_bearable_codestreams(file: BinaryIO) -> None:
    """Refuse JPEG 2000 whose codestream declares too many pixels, in all or in a tile.

    Raises:
        Image.DecompressionBombError: If one does.
    """
    file.seek(0)
    for sides in _CODESTREAM.findall(file.read()):
        width, height, tile_width, tile_height = (int.from_bytes(side, 'big') for side in sides)
        for pixels in (width * height, tile_width * tile_height):
            if Image.MAX_IMAGE_PIXELS is not None and pixels > 2 * Image.MAX_IMAGE_PIXELS:
                raise Image.DecompressionBombError(f'its codestream has {pixels} pixels')
