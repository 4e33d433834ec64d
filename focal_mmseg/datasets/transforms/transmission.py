"""How images change on their way: JPEG, PNG, resizing, a social network."""

from abc import abstractmethod
from typing import cast

import cv2
import numpy as np
from mmseg.registry import TRANSFORMS

from ..jpeg import SUBSAMPLINGS, decode_jpeg, encode_jpeg
from ..pixel_values import to_uint8
from ..validators import (
    Range,
    require_choice,
    require_number,
    require_pair,
    require_range,
    require_whole,
    require_whole_range,
)
from .image_transform import ImageTransform, draw, draw_whole, scaled_size

INTERPOLATIONS = dict(
    nearest=cv2.INTER_NEAREST, bilinear=cv2.INTER_LINEAR, bicubic=cv2.INTER_CUBIC, area=cv2.INTER_AREA
)


class CompressingTransform(ImageTransform):
    """A change that ends with a JPEG compression; the file goes on beside the image, for who reads coefficients."""

    @abstractmethod
    def compress(self, image: np.ndarray, rng: np.random.Generator) -> bytes:
        """Give the file; the arguments are those of :meth:`ImageTransform.change`."""

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the image after the compression."""
        return _decoded(self.compress(image, rng), image.ndim)

    def change_with_file(self, image: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, bytes | None]:
        """See :meth:`ImageTransform.change_with_file`."""
        content = self.compress(image, rng)
        return _decoded(content, image.ndim), content


@TRANSFORMS.register_module()
class JPEGCompression(CompressingTransform):
    """Compress the image as JPEG and decode it, by OpenCV, with the tables of libjpeg.

    Args:
        quality (int | tuple[int, int]): libjpeg's quality, 1..100; 100 is not lossless.
        subsampling (str): Resolution of the colours: ``'4:4:4'`` is full, ``'4:2:2'`` half as wide, ``'4:2:0'`` half as
            wide and high. Defaults to ``'4:2:0'``, as OpenCV and Pillow do and so the papers.
        seed (int, optional): See :class:`ImageTransform`. Defaults to 0.

    Raises:
        ValueError: If an option is out of its range.
    """

    def __init__(self, quality: Range, subsampling: str = '4:2:0', seed: int | None = 0) -> None:
        super().__init__(seed)
        self.quality = require_whole_range('quality', quality, 1, 100)
        self.subsampling = require_choice('subsampling', subsampling, SUBSAMPLINGS)

    def compress(self, image: np.ndarray, rng: np.random.Generator) -> bytes:
        """See :meth:`CompressingTransform.compress`."""
        return encode_jpeg(image, draw_whole(self.quality, rng), self.subsampling)


@TRANSFORMS.register_module()
class SaveAsPNG(ImageTransform):
    """Take the image out of its JPEG file, as a PNG or a screenshot at full size does: pixels stay, coefficients go.

    Args:
        seed (int, optional): Accepted as everywhere; nothing is drawn.
    """

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the image as it is."""
        return image


@TRANSFORMS.register_module()
class DegradeByResize(ImageTransform):
    """Resize the image by a factor, as whoever passed it on did; ``ori_shape`` and the mask stay.

    It belongs between the loading and the network's own ``Resize``, which is another transform. The prediction comes
    back to ``ori_shape``, so that a test scores at the size of the original image and its mask.

    Args:
        factor (float | tuple[float, float]): New side over old side.
        interpolation (str): ``'nearest'``, ``'bilinear'``, ``'bicubic'`` or ``'area'``. Defaults to ``'bilinear'``.
        seed (int, optional): See :class:`ImageTransform`. Defaults to 0.

    Raises:
        ValueError: If an option is out of its range.
    """

    def __init__(self, factor: Range, interpolation: str = 'bilinear', seed: int | None = 0) -> None:
        super().__init__(seed)
        self.factor = require_range('factor', factor, 0, above=True)
        self.interpolation = require_choice('interpolation', interpolation, INTERPOLATIONS)

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the resized image, no side below one pixel."""
        return cv2.resize(
            image, scaled_size(image.shape, draw(self.factor, rng)), None, 0, 0, INTERPOLATIONS[self.interpolation]
        )


@TRANSFORMS.register_module()
class Downscale(ImageTransform):
    """Shrink the image and enlarge it again, both by the nearest pixel, so that blocks are seen.

    Args:
        factor (float | tuple[float, float]): Small side over large side, up to 1. Defaults to 0.25.
        seed (int, optional): See :class:`ImageTransform`. Defaults to None.

    Raises:
        ValueError: If ``factor`` is out of its range.
    """

    def __init__(self, factor: Range = 0.25, seed: int | None = None) -> None:
        super().__init__(seed)
        self.factor = require_range('factor', factor, 0, 1, above=True)

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the image of blocks."""
        small = cv2.resize(image, scaled_size(image.shape, draw(self.factor, rng)), interpolation=cv2.INTER_NEAREST)
        return cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_NEAREST)


@TRANSFORMS.register_module()
class SimulatedSocialNetwork(CompressingTransform):
    """A SIMULATION of a transmission over a social network; no network was measured for it.

    Three steps, after what is published of Facebook (Wu et al. 2022): an image with a side above ``longest`` is
    resized, a filter enhances it, and JPEG compresses it at a quality that depends on the content. The published steps
    have no numbers but 2048 and 71..95; filter and rule here are ours: an unsharp mask, and the highest quality of the
    range whose file keeps to a budget of bits, so that a busy image is compressed more than a smooth one.

    Args:
        longest (int): Longest side that passes, in pixels. Defaults to 2048.
        enhancement (float): Share of the fine grain (what a Gaussian blur of 1 pixel takes) that is added, at least 0.
            Defaults to 0.2.
        quality (tuple[int, int]): Lowest and highest quality. Defaults to (71, 95).
        bits (float): The budget, bits of the file a pixel. Defaults to 2.
        seed (int, optional): Accepted as everywhere; nothing is drawn.

    Raises:
        ValueError: If an option is out of its range.
    """

    def __init__(
        self,
        longest: int = 2048,
        enhancement: float = 0.2,
        quality: tuple[int, int] = (71, 95),
        bits: float = 2.0,
        seed: int | None = 0,
    ) -> None:
        super().__init__(seed)
        self.longest = require_whole('longest', longest, 1)
        self.enhancement = require_number('enhancement', enhancement, 0)
        self.quality = cast(
            tuple[int, int], require_whole_range('quality', require_pair('quality', quality, 1, 100), 1, 100)
        )
        self.bits = require_number('bits', bits, 0, above=True)

    def compress(self, image: np.ndarray, rng: np.random.Generator) -> bytes:
        """Give the file that comes out of the simulation."""
        longest = max(image.shape[:2])
        if longest > self.longest:
            size = scaled_size(image.shape, self.longest / longest)
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        values = image.astype(np.float32)
        image = to_uint8(values + self.enhancement * (values - cv2.GaussianBlur(values, (0, 0), 1.0)))
        return self._within_budget(image)

    def _within_budget(self, image: np.ndarray) -> bytes:
        """The file of the highest quality within the budget, else of the lowest, by bisection."""
        budget = self.bits * image.shape[0] * image.shape[1] / 8
        low, high = self.quality
        best = encode_jpeg(image, low)
        while low < high:
            middle = (low + high + 1) // 2
            content = encode_jpeg(image, middle)
            if len(content) <= budget:
                low, best = middle, content
            else:
                high = middle - 1
        return best


def _decoded(content: bytes, dimensions: int) -> np.ndarray:
    """The image of a JPEG file: BGR for 3 dimensions, grey for 2."""
    return decode_jpeg(content, cv2.IMREAD_COLOR if dimensions == 3 else cv2.IMREAD_GRAYSCALE)
