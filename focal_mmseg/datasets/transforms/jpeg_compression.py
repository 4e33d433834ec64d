"""One more JPEG compression."""

from abc import abstractmethod

import cv2
import numpy as np
from mmseg.registry import TRANSFORMS

from .picture_transform import PictureTransform, Range, draw_whole, require_whole

CHROMA = {
    '4:4:4': cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    '4:2:2': cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    '4:2:0': cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
}


class CompressingTransform(PictureTransform):
    """A change that ends with a JPEG compression; the file goes on beside the image, for who reads coefficients."""

    @abstractmethod
    def compress(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the file, uint8 of shape (N,); the arguments are those of :meth:`PictureTransform.change`."""

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the image after the compression."""
        return decode(self.compress(image, rng), image.ndim)

    def change_with_file(self, image: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, bytes | None]:
        """See :meth:`PictureTransform.change_with_file`."""
        content = self.compress(image, rng)
        return decode(content, image.ndim), content.tobytes()


@TRANSFORMS.register_module()
class JPEGCompression(CompressingTransform):
    """Compress the picture as JPEG and decode it, by OpenCV, with the tables of libjpeg.

    Args:
        quality (int | tuple[int, int]): libjpeg's quality, 1..100; 100 is not lossless.
        chroma (str): Resolution of the colours: ``'4:4:4'`` is full, ``'4:2:2'`` half as wide, ``'4:2:0'`` half as
            wide and high. Defaults to ``'4:2:0'``, as OpenCV and Pillow do and so the papers.
        seed (int, optional): See :class:`PictureTransform`. Defaults to 0.

    Raises:
        ValueError: If an option is out of its range.
    """

    def __init__(self, quality: Range, chroma: str = '4:2:0', seed: int | None = 0) -> None:
        super().__init__(seed)
        if chroma not in CHROMA:
            raise ValueError(f'chroma must be one of {", ".join(CHROMA)}, got {chroma!r}')
        self.quality = require_whole('quality', quality, 1, 100)
        self.chroma = chroma

    def compress(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """See :meth:`CompressingTransform.compress`."""
        return encode(image, draw_whole(self.quality, rng), self.chroma)


def encode(image: np.ndarray, quality: int, chroma: str = '4:2:0') -> np.ndarray:
    """A uint8 BGR or grey picture as the bytes of a JPEG file, uint8 of shape (N,).

    Raises:
        ValueError: If it is too large for the format, above 65,500 pixels a side.
    """
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, CHROMA[chroma]]
    written, content = cv2.imencode('.jpg', image, options)
    if not written:
        raise ValueError(f'a picture of shape {image.shape} does not fit into a JPEG file')
    return content


def decode(content: np.ndarray, dimensions: int) -> np.ndarray:
    """The picture of a JPEG file: BGR for 3 dimensions, grey for 2."""
    return cv2.imdecode(content, cv2.IMREAD_COLOR if dimensions == 3 else cv2.IMREAD_GRAYSCALE)
