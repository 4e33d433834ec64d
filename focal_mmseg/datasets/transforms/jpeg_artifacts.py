"""The JPEG file as an input: pixels, luma coefficients and their table in one image of five channels; its crops."""

from collections.abc import Sequence
from typing import cast

import cv2
import mmengine.fileio as fileio
import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from focal_mmseg.utils.jpeg import (
    BLOCK,
    ORIENTATIONS,
    Luma,
    exif_orientation,
    is_jpeg,
    orient,
    read_luma,
)

from ..jpeg import decode_jpeg, encode_jpeg
from ..validators import require_choice

IGNORED = 255

PADDINGS = ('edge', 'mean')
RESIZED = (
    'LoadJPEGArtifacts must read images at their own size: a transform before it resized or flipped this one, which '
    'destroys the traces of JPEG. Take Resize and RandomFlip out of the pipeline; large images are tested by windows '
    "(model.test_cfg.mode='slide')"
)
CHANGED = (
    'a transform between LoadImageFromFile and LoadJPEGArtifacts changed the image, so that the coefficients in its '
    'file are no longer its own. Take it out, or use a degradation of this project, which hands its JPEG file on'
)


@TRANSFORMS.register_module()
class LoadJPEGArtifacts(BaseTransform):
    """Make the image one of five channels: R, G, B, the luma's quantised coefficient, and the coefficient's step.

    All lie on the grid of the pixels. Where the pixel in row u and column v of an 8x8 block lies, the fourth channel
    has the coefficient (u, v) of that block as it is stored in the file, and the fifth the entry (u, v) of the luma's
    quantisation table. So transforms that keep the grid work on all five alike.

    Stands behind ``LoadImageFromFile``. The coefficients come from the file at ``img_path``, or from the file in memory
    that ``SynthesizeForgery`` and the degradations hand on. An image that comes from no JPEG file (PNG, TIFF, an
    array), or from one without luma at full resolution (CMYK), is compressed at quality 100 without loss of colour
    resolution, and all five channels are of that file, as CAT-Net does; decided by the content, not by the name.

    Sides that are no multiples of 8 are filled up to the whole block: pixels repeat the border (see ``padding``),
    coefficients are those of the file. ``img_padding_size`` tells the padding, as mmseg's postprocessing wants it.
    EXIF's orientation is applied to pixels and coefficients alike. A mask that is loaded before is filled up with 255,
    which no loss counts; one that is loaded behind keeps the image's size.

    Required key: ``img`` (uint8 BGR (H, W, 3), or (H, W)); optional: ``img_path``, ``jpeg`` (bytes | None). Modified
    keys: ``img`` (float32 (8 * ceil(H / 8), 8 * ceil(W / 8), 5)), ``img_shape``, the masks of ``seg_fields``. Added
    keys: ``jpeg_table`` (float32 (8, 8)), ``img_padding_size`` (left, right, top, bottom), ``pad_shape``.

    Args:
        mean (Sequence[float]): Of R, G and B, taken off. Defaults to 127.5 each.
        std (Sequence[float]): Of R, G and B, divided by. Defaults to 127.5 each.
        padding (str): What pixels beyond the border are: ``'edge'`` repeats it, ``'mean'`` is 0 once normalised, as in
            CAT-Net. Defaults to ``'edge'``.

    Raises:
        ValueError: If ``mean`` or ``std`` is not three numbers, or ``padding`` is another word.
    """

    def __init__(
        self,
        mean: Sequence[float] = (127.5,) * 3,
        std: Sequence[float] = (127.5,) * 3,
        padding: str = 'edge',
    ) -> None:
        for name, values in (('mean', mean), ('std', std)):
            if len(values) != 3:
                raise ValueError(f'{name} of LoadJPEGArtifacts must be three numbers, for R, G and B, got {values!r}')
        self.mean = np.asarray(mean, np.float32)
        self.std = np.asarray(std, np.float32)
        self.padding = require_choice('padding of LoadJPEGArtifacts', padding, PADDINGS)

    def transform(self, results: dict) -> dict:
        """Replace ``img``.

        Raises:
            ImportError: If jpeglib is not installed.
            ValueError: If the file cannot be read, or the image was resized, flipped or changed before.
        """
        if 'scale_factor' in results or results.get('flip'):
            raise ValueError(RESIZED)
        image = results['img']
        if image.dtype != np.uint8:
            raise ValueError(f'LoadJPEGArtifacts needs an image of 8 bits, got {image.dtype}')
        if image.ndim == 2:
            image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
        image, luma, orientation = _read_luma(image, _stored_file(results))
        padding = _padding(image.shape[:2], orientation)
        for key in results.get('seg_fields', []):
            results[key] = _filled_up(results[key], padding, cv2.BORDER_CONSTANT, IGNORED)
        image = _filled_up(image, padding, cv2.BORDER_REPLICATE)
        # Channel by channel, as the network takes them, and in place: of a large photograph a copy is hundreds of MiB.
        channels = np.empty((5, *image.shape[:2]), np.float32)
        rgb = image.transpose(2, 0, 1)[::-1]
        for channel, plane, mean, std in zip(channels[:3], rgb, self.mean, self.std, strict=True):
            np.subtract(plane, mean, out=channel)
            channel /= std
        if self.padding == 'mean':
            channels[:3] = _blank_padding(channels[:3], padding)
        channels[3], channels[4] = luma.oriented(orientation).planes()
        results['img'] = channels.transpose(1, 2, 0)
        results['img_shape'] = results['pad_shape'] = results['img'].shape[:2]
        results['img_padding_size'] = padding
        results['jpeg_table'] = channels[4, :BLOCK, :BLOCK].copy()
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(mean={self.mean.tolist()}, std={self.std.tolist()}, padding={self.padding!r})'


def _stored_file(results: dict) -> bytes | None:
    """The file that the image was decoded from; None for an array."""
    if 'jpeg' in results:
        return results['jpeg']
    return fileio.get(results['img_path']) if results.get('img_path') else None


def _read_luma(image: np.ndarray, content: bytes | None) -> tuple[np.ndarray, Luma, int]:
    """The image (uint8 BGR, oriented), the luma of its file, and the orientation that the luma still has to get."""
    if content is not None and is_jpeg(content):
        orientation = _orientation(image, content)
        luma = read_luma(content)
        if luma is not None:
            return image, luma, orientation
    content = encode_jpeg(image, 100, '4:4:4')
    return _decoded(content), cast(Luma, read_luma(content)), 1


def _decoded(content: bytes) -> np.ndarray:
    """BGR, as stored, without the orientation that EXIF asks for."""
    return decode_jpeg(content, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)


def _orientation(image: np.ndarray, content: bytes) -> int:
    """Which orientation the image got when it was loaded: EXIF's, or none.

    Raises:
        ValueError: If it is not the image of that file.
    """
    stored = _decoded(content)
    for orientation in (exif_orientation(content), 1):
        if np.array_equal(orient(stored, orientation), image):
            return orientation
    raise ValueError(CHANGED)


def _blank_padding(rgb: np.ndarray, padding: tuple[int, int, int, int]) -> np.ndarray:
    """Normalised pixels (3, H, W) with 0 for their padding."""
    left, right, top, bottom = padding
    inside = ..., slice(top, rgb.shape[1] - bottom), slice(left, rgb.shape[2] - right)
    blank = np.zeros_like(rgb)
    blank[inside] = rgb[inside]
    return blank


def _padding(shape: tuple[int, int], orientation: int) -> tuple[int, int, int, int]:
    """What an oriented image lacks to whole blocks: left, right, top, bottom.

    A file is filled up to the right and below; its orientation may have brought that to another side.
    """
    rows, columns, swap = ORIENTATIONS[orientation]
    above, before = (columns, rows) if swap else (rows, columns)
    height, width = (-side % BLOCK for side in shape)
    left, right = (width, 0) if before else (0, width)
    top, bottom = (height, 0) if above else (0, height)
    return left, right, top, bottom


def _filled_up(image: np.ndarray, padding: tuple[int, int, int, int], border: int, value: int = 0) -> np.ndarray:
    """An image or a mask with a border: left, right, top, bottom."""
    left, right, top, bottom = padding
    return cv2.copyMakeBorder(image, top, bottom, left, right, border, value=value)


@TRANSFORMS.register_module()
class RandomGridCrop(BaseTransform):
    """Cut a part out of a five-channel JPEG image, on the grid of its 8x8 blocks; fill up what is smaller.

    Stands behind :class:`LoadJPEGArtifacts` and ``LoadForgeryMask``. The corner is drawn evenly and rounded down to a
    block. Beyond the image R, G and B are 0, which is the mean, coefficients are 0, the quantisation table goes on, and
    the mask is ignored: beyond the file's own size, within its last blocks, too.

    Required and modified keys: ``img`` (float (H, W, 5)), ``img_shape``, ``img_padding_size``; optional: masks in
    ``seg_fields`` (uint8, of the image with or without its padding). Added key: ``pad_shape``.

    Args:
        crop_size (tuple[int, int]): Height and width, multiples of 8. Defaults to (512, 512).

    Raises:
        ValueError: If a side is no positive multiple of 8.
    """

    def __init__(self, crop_size: tuple[int, int] = (512, 512)) -> None:
        if len(crop_size) != 2 or any(side < BLOCK or side % BLOCK for side in crop_size):
            raise ValueError(f'crop_size must be a height and a width of whole blocks of {BLOCK}, got {crop_size}')
        self.crop_size = tuple(crop_size)

    def transform(self, results: dict) -> dict:
        """Cut image and masks.

        Raises:
            ValueError: If the image is none of :class:`LoadJPEGArtifacts`, or the mask is still to be loaded.
        """
        if 'jpeg_table' not in results:
            raise ValueError('RandomGridCrop cuts five-channel JPEG images: put LoadJPEGArtifacts before it')
        if results.get('seg_map_path') and 'gt_seg_map' not in results:
            raise ValueError('RandomGridCrop must stand behind LoadForgeryMask, else the mask is left behind')
        image = results['img']
        # Drawn in pixels, so that each pixel is as likely as in a crop off the grid.
        top, left = (
            np.random.randint(max(side - crop, 0) + 1) // BLOCK * BLOCK
            for side, crop in zip(image.shape[:2], self.crop_size, strict=True)
        )
        rows, columns = slice(top, top + self.crop_size[0]), slice(left, left + self.crop_size[1])
        for key in results.get('seg_fields', ()):
            mask = _pad_mask(results[key], image.shape[:2], results['img_padding_size'])
            results[key] = self._filled(mask[rows, columns], IGNORED)
        cut = self._filled(image[rows, columns], 0)
        table = np.asarray(results['jpeg_table'])
        cut[..., 4] = np.tile(table, [side // BLOCK for side in self.crop_size])
        results['img'] = cut
        results['img_shape'] = results['pad_shape'] = self.crop_size
        results['img_padding_size'] = (0, 0, 0, 0)
        return results

    def _filled(self, part: np.ndarray, value: int) -> np.ndarray:
        """An array (h, w, ...) at the size of the crop, filled up at the right and below."""
        filled = np.full((*self.crop_size, *part.shape[2:]), value, part.dtype)
        filled[: part.shape[0], : part.shape[1]] = part
        return filled

    def __repr__(self) -> str:
        return f'{type(self).__name__}(crop_size={self.crop_size})'


def _pad_mask(mask: np.ndarray, shape: tuple[int, int], padding: tuple[int, int, int, int]) -> np.ndarray:
    """A mask at the size of its padded image; one that was loaded before the image was padded has it already."""
    if mask.shape == shape:
        return mask
    left, right, top, bottom = padding
    return np.pad(mask, ((top, bottom), (left, right)), constant_values=IGNORED)
