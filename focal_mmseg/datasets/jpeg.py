"""JPEG files in memory: here all images of the data are compressed and decoded."""

from collections.abc import Sequence
from io import BytesIO

import cv2
import numpy as np
from PIL import Image

# Resolutions of the colours: full, half as wide, half as wide and high; as OpenCV and as Pillow call them.
SUBSAMPLINGS = {
    '4:4:4': (cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444, 0),
    '4:2:2': (cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422, 1),
    '4:2:0': (cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420, 2),
}
Tables = Sequence[Sequence[int]]


def encode_jpeg(image: np.ndarray, quality: int | Tables, subsampling: str = '4:2:0') -> bytes:
    """Compress an image.

    Args:
        image (np.ndarray): uint8, BGR of shape (H, W, 3), or grey (H, W).
        quality (int | Sequence): libjpeg's quality, 1..100, for its tables; or the tables of luma and chroma, each 64
            steps row by row.
        subsampling (str): ``'4:4:4'``, ``'4:2:2'`` or ``'4:2:0'``. Defaults to ``'4:2:0'``, OpenCV's and Pillow's.

    Returns:
        bytes: The file.

    Raises:
        ValueError: If a side is above 65,500 pixels, the format's limit.
    """
    by_opencv, by_pillow = SUBSAMPLINGS[subsampling]
    if not isinstance(quality, int):
        file = BytesIO()
        rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if image.ndim == 3 else image
        Image.fromarray(rgb).save(file, 'JPEG', qtables=quality, subsampling=by_pillow)
        return file.getvalue()
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, by_opencv]
    written, content = cv2.imencode('.jpg', image, options)
    if not written:
        raise ValueError(f'an image of {image.shape[1]}x{image.shape[0]} pixels does not fit into a JPEG file')
    return content.tobytes()


def decode_jpeg(content: bytes, flags: int = cv2.IMREAD_COLOR) -> np.ndarray:
    """The image of a file: uint8, BGR unless OpenCV's ``flags`` say otherwise.

    Raises:
        ValueError: If it cannot be decoded.
    """
    image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    if image is None:
        raise ValueError('its JPEG file cannot be decoded')
    return image
