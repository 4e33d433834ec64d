"""Images in files of any name, and of every kind that is read.

OpenCV opens no file here: at a name that is not UTF-8 its own reader and writer end the process.
"""

import os
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from mmengine.fileio import LocalBackend, register_backend
from PIL import Image, ImageOps

from .files import atomic_write
from .image_size import PILLOW_KINDS, check_file_size, image_header

WHITE = 255


def read_image(path: str | Path, flags: int = cv2.IMREAD_COLOR) -> np.ndarray | None:
    """Read an image as ``cv2.imread`` does, of more kinds.

    Args:
        path (str | Path): The file.
        flags (int): OpenCV's ``IMREAD_*``.

    Returns:
        np.ndarray | None: As OpenCV has it, BGR; None where there is no such file, or no image in it.
    """
    if not Path(path).is_file():
        return None
    try:
        return load_image(path, flags)
    except ValueError:
        return None


def load_image(path: str | Path, flags: int = cv2.IMREAD_COLOR) -> np.ndarray:
    """What :func:`read_image` reads, or an error.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be read; names the file.
    """
    content = np.frombuffer(image_bytes(path), np.uint8)
    try:
        image = cv2.imdecode(content, flags)
    except cv2.error as error:
        raise ValueError(f'{path} cannot be read: {error}') from error
    if image is None:
        raise ValueError(f'{path} cannot be read: it is no image, or truncated')
    return image


def image_bytes(path: str | Path) -> bytes:
    """The bytes of an image that OpenCV decodes: those of its file, see :func:`decodable`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is too large, damaged, or of a kind that is not read; names the file.
    """
    with Path(path).open('rb') as file:
        check_file_size(os.fstat(file.fileno()).st_size, str(path))
        return decodable(file.read(), str(path))


def decodable(content: bytes, name: str) -> bytes:
    """An image in a form that OpenCV decodes: what Pillow alone reads well becomes PNG, all else stays as it is.

    Of GIF, AVIF and HEIC sequences the first frame is taken. The image is turned as its EXIF orientation says.

    Args:
        content (bytes): Of the file.
        name (str): Of the file, for errors.

    Raises:
        ValueError: If it is damaged, declares too many pixels, or is of a kind that is not read; names the file.
    """
    with image_header(BytesIO(content), name) as image:
        if image.format not in PILLOW_KINDS:
            return content
        try:
            pixels = _pixels(ImageOps.exif_transpose(image))
        except Exception as error:  # damaged bytes make decoders fail in any way
            raise ValueError(f'{name} cannot be read: it is damaged, or truncated ({error})') from error
    return cv2.imencode('.png', pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()


def blend_onto_white(content: bytes, name: str) -> bytes:
    """An image whose transparent parts are blended onto white; one without transparency stays as it is.

    Args:
        content (bytes): In a form that OpenCV decodes.
        name (str): Of the file, for errors.

    Returns:
        bytes: Of transparent images a PNG of 8-bit BGR, not turned by their EXIF orientation.

    Raises:
        ValueError: If it is damaged or declares too many pixels; names the file.
    """
    with image_header(BytesIO(content), name) as image:
        if 'A' not in image.mode.replace('LAB', '') and 'transparency' not in image.info:
            return content
        try:
            pixels = np.asarray(image.convert('RGBA'), np.float32)
        except Exception as error:  # damaged bytes make decoders fail in any way
            raise ValueError(f'{name} cannot be read: it is damaged, or truncated ({error})') from error
    opacity = pixels[..., 3:] / WHITE
    blended = np.round(opacity * pixels[..., 2::-1] + (1 - opacity) * WHITE).astype(np.uint8)
    return cv2.imencode('.png', blended, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()


def _pixels(image: Image.Image) -> np.ndarray:
    """As OpenCV has them: grey (H, W) of 8 or 16 bits, BGR (H, W, 3), or BGRA (H, W, 4) where there is transparency."""
    if image.mode.startswith('I;16'):
        return np.asarray(image).astype(np.uint16)
    if image.mode in ('1', 'L') and 'transparency' not in image.info:
        return np.asarray(image.convert('L'))
    if 'A' in image.mode.replace('LAB', '') or 'transparency' in image.info:
        return cv2.cvtColor(np.asarray(image.convert('RGBA')), cv2.COLOR_RGBA2BGRA)
    return cv2.cvtColor(np.asarray(image.convert('RGB')), cv2.COLOR_RGB2BGR)


@register_backend('any_image')
class AnyImageBackend(LocalBackend):
    """mmengine's file backend ``any_image``: files of the disk, images in a form that OpenCV decodes.

    With ``backend_args=dict(backend='any_image')`` ``LoadImageFromFile`` and the visualization hook read GIF, JPEG
    2000, AVIF and HEIC.

    Args:
        transparent (str, optional): ``'white'`` blends what is transparent onto white, see :func:`blend_onto_white`.
            None leaves it to the decoder, which drops transparency if it is to give three channels. Defaults to None.

    Raises:
        ValueError: If ``transparent`` is another word.
    """

    def __init__(self, transparent: str | None = None) -> None:
        if transparent not in (None, 'white'):
            raise ValueError(f"transparent of the file backend any_image must be None or 'white', got {transparent!r}")
        self.transparent = transparent

    def get(self, filepath: str | Path) -> bytes:
        """The bytes of an image file, see :func:`image_bytes`."""
        content = image_bytes(filepath)
        return blend_onto_white(content, str(filepath)) if self.transparent else content


def write_image(path: str | Path, image: np.ndarray) -> None:
    """Write an image, whole or not at all.

    Args:
        path (str | Path): The file; its ending says which kind, its folder is made.
        image (np.ndarray): Grey or BGR, as OpenCV has it.

    Raises:
        OSError: If it cannot be written.
    """
    path = Path(path)
    done, content = cv2.imencode(path.suffix, image)
    if not done:
        raise OSError(f'cannot write {path}')
    with atomic_write(path) as part:
        part.write_bytes(content.tobytes())
