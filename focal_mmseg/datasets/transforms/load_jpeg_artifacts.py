"""The JPEG file as an input: pixels, luma coefficients and their table in one image of five channels."""

from collections.abc import Sequence

import cv2
import mmengine.fileio as fileio
import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from focal_mmseg.utils.jpeg import BLOCK, Luma, encode_as_jpeg, exif_orientation, is_jpeg, orient, read_luma

RESIZED = (
    'LoadJPEGArtifacts must read images at their own size: a transform before it resized or flipped this one, which '
    'destroys the traces of JPEG. Take Resize and RandomFlip out of the pipeline; large images are tested by windows '
    "(model.test_cfg.mode='slide')"
)
CHANGED = (
    'a transform between LoadImageFromFile and LoadJPEGArtifacts changed the image, so that the coefficients in its file '
    'are no longer its own. Take it out, or use a degradation of this project, which hands its JPEG file on'
)


@TRANSFORMS.register_module()
class LoadJPEGArtifacts(BaseTransform):
    """Make the image one of five channels: R, G, B, the luma's quantised coefficient, and the coefficient's step.

    All lie on the grid of the pixels. Where the pixel in row u and column v of an 8x8 block lies, the fourth channel has
    the coefficient (u, v) of that block as it is stored in the file, and the fifth the entry (u, v) of the luma's
    quantisation table. So transforms that keep the grid work on all five alike.

    Stands behind ``LoadImageFromFile``. The coefficients come from the file at ``img_path``, or from the file in memory
    that ``SynthesizeForgery`` and the degradations hand on. An image that comes from no JPEG file (PNG, TIFF, an array), or
    from one without luma at full resolution (CMYK), is compressed at quality 100 without loss of colour resolution,
    and all five channels are of that file, as CAT-Net does; decided by the content, not by the name.

    Sides that are no multiples of 8 are filled up to the whole block: pixels repeat the border, coefficients are those of
    the file. ``img_padding_size`` tells the padding, as mmseg's postprocessing wants it. EXIF's orientation is
    applied to pixels and coefficients alike.

    Required keys: ``img`` (uint8 BGR (H, W, 3), or (H, W)), ``ori_shape``; optional: ``img_path``, ``jpeg`` (bytes | None).
    Modified keys: ``img`` (float32 (8 * ceil(H / 8), 8 * ceil(W / 8), 5)), ``img_shape``. Added keys:
    ``jpeg_table`` (float32 (8, 8)), ``img_padding_size`` (left, right, top, bottom), ``pad_shape``.

    Args:
        mean (Sequence[float]): Of R, G and B, taken off. Defaults to 127.5 each.
        std (Sequence[float]): Of R, G and B, divided by. Defaults to 127.5 each.

    Raises:
        ValueError: If ``mean`` or ``std`` is not three numbers.
    """

    def __init__(self, mean: Sequence[float] = (127.5,) * 3, std: Sequence[float] = (127.5,) * 3) -> None:
        for name, values in (('mean', mean), ('std', std)):
            if len(values) != 3:
                raise ValueError(f'{name} of LoadJPEGArtifacts must be three numbers, for R, G and B, got {values!r}')
        self.mean = np.asarray(mean, np.float32)
        self.std = np.asarray(std, np.float32)

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
        image, luma, orientation = _with_luma(image, _file_of(results))
        image, padding = _filled_up(image, orientation)
        planes = luma.oriented(orientation).planes()
        rgb = (image[..., ::-1] - self.mean) / self.std
        results['img'] = np.dstack([rgb, *planes])
        results['img_shape'] = results['pad_shape'] = results['img'].shape[:2]
        results['img_padding_size'] = padding
        results['jpeg_table'] = planes[1][:BLOCK, :BLOCK].copy()
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(mean={self.mean.tolist()}, std={self.std.tolist()})'


def _file_of(results: dict) -> bytes | None:
    """The file that the image was decoded from; None for an array."""
    if 'jpeg' in results:
        return results['jpeg']
    return fileio.get(results['img_path']) if results.get('img_path') else None


def _with_luma(image: np.ndarray, content: bytes | None) -> tuple[np.ndarray, Luma, int]:
    """The image (uint8 BGR, oriented), the luma of its file, and the orientation that the luma still has to get."""
    if content is not None and is_jpeg(content):
        orientation = _orientation(image, content)
        luma = read_luma(content)
        if luma is not None:
            return image, luma, orientation
    content = encode_as_jpeg(image)
    return _decoded(content), read_luma(content), 1


def _decoded(content: bytes) -> np.ndarray:
    """BGR, as stored, without the orientation that EXIF asks for."""
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)


def _orientation(image: np.ndarray, content: bytes) -> int:
    """Which orientation the image got when it was loaded: EXIF's, or none.

    Raises:
        ValueError: If it is not the image of that file.
    """
    stored = _decoded(content)
    if stored is None:
        raise ValueError('its JPEG file cannot be decoded')
    for orientation in (exif_orientation(content), 1):
        if np.array_equal(orient(stored, orientation), image):
            return orientation
    raise ValueError(CHANGED)


def _filled_up(image: np.ndarray, orientation: int) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """The image in whole blocks, filled up where its file is, and the padding: left, right, top, bottom."""
    inverse = {6: 8, 8: 6}.get(orientation, orientation)
    height, width = orient(image, inverse).shape[:2]
    # Where a file of this size ends, seen in the oriented image: mark its blocks, and turn the marks.
    inside = np.zeros((-(-height // BLOCK) * BLOCK, -(-width // BLOCK) * BLOCK), np.uint8)
    inside[:height, :width] = 1
    inside = orient(inside, orientation)
    left, top, width, height = cv2.boundingRect(inside)
    right, bottom = inside.shape[1] - left - width, inside.shape[0] - top - height
    filled = cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_REPLICATE)
    return filled, (left, right, top, bottom)
