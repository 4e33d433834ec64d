"""Masks of forged regions, of either polarity; and images that are too large for a network."""

import math
import warnings
from io import BytesIO

import cv2
import mmcv
import mmengine.fileio as fileio
import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS
from PIL import Image

from focal_mmseg.utils import decodable, image_header

from ..validators import require_whole
from .mask_levels import shares, stray_levels

MIDDLE = 127

# Where the data set does not say, as mmseg's own do not.
FORGED_IS, THRESHOLD = 'white', 127


@TRANSFORMS.register_module()
class LoadForgeryMask(BaseTransform):
    """Read the mask file as 0 (pristine) and 1 (forged).

    Without ``seg_map_path`` in the results nothing happens, so that the test pipeline serves inference unchanged.
    With ``seg_map_path=None`` the image is pristine: its mask is empty.

    Required keys: ``ori_shape``; optional: ``seg_map_path``, ``forged_is`` and ``mask_threshold``, which
    :class:`ForgeryDataset` gives; behind another data set forged is white, above 127. Added keys: ``gt_seg_map``
    (np.uint8, (H, W)), ``seg_fields``.

    Args:
        resize (bool): Whether a mask of another size but the same proportions is resized to its image, by the
            nearest pixel: for images that a social network resized, scored at the size they have now. Defaults to
            False.
    """

    def __init__(self, resize: bool = False) -> None:
        self.resize = resize

    def transform(self, results: dict) -> dict:
        """Add the mask, at the size of its file, which must be the image's unless ``resize`` says otherwise.

        Raises:
            ValueError: If the file is no image, has another size than the image, or its values fit no mask.
        """
        if 'seg_map_path' not in results:
            return results
        path = results['seg_map_path']
        if path is None:
            mask = np.zeros(results['ori_shape'], np.uint8)
        else:
            options = results.get('forged_is', FORGED_IS), results.get('mask_threshold', THRESHOLD)
            mask = read_forgery_mask(path, *options)
        shape = tuple(results['ori_shape'])
        if self.resize and mask.shape != shape and has_proportions(mask.shape, shape):
            mask = cv2.resize(mask, shape[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
        if mask.shape != shape:
            remedy = 'turn one of them' if mask.shape[::-1] == shape else 'make them the same size'
            raise ValueError(
                f'the mask {path} is {_size(mask.shape)} but its image {results["img_path"]} is {_size(shape)}: '
                f'{remedy}, or leave the pair out with a list file'
            )
        results['gt_seg_map'] = mask
        results.setdefault('seg_fields', []).append('gt_seg_map')
        return results


def read_forgery_mask(path: str, forged_is: str = FORGED_IS, threshold: int = THRESHOLD) -> np.ndarray:
    """Read a mask file.

    Args:
        path (str): Any image file of 8 or 16 bits; colours are taken by their luminance. 16-bit values above 255 are
            scaled to 8 bits.
        forged_is (str): ``'white'`` or ``'black'``.
        threshold (int): White is above it, in 0..254. A mask with no value above 1 is taken as 0 and 1. Defaults to
            127, the middle, by which no area of another level than black and white may become pristine: such a mask
            has labels or colours, and another threshold has to say which are forged.

    Returns:
        np.ndarray: uint8 of shape (H, W): 0 pristine, 1 forged.

    Raises:
        ValueError: If the file is no image, declares too many pixels, is partly transparent, has more than 16 bits, or
            would silently lose objects: it holds only values from 2 up to the threshold beside 0, or the threshold is
            the middle and there are areas of values between black and white, see :func:`stray_levels`.
    """
    grey = _grey(path)
    highest = int(grey.max())
    unit = 257 if highest > 255 else 1
    if 1 < highest <= threshold * unit:
        raise ValueError(
            f'the mask {path} has values up to {highest}, none above mask_threshold={threshold}'
            f'{f" (times {unit}, for its 16 bits)" if unit > 1 else ""}: if it is a mask of labels or of colours, '
            'set mask_threshold in the dataset config'
        )
    if highest > 1 and threshold == MIDDLE:
        _require_two_levels(path, grey, unit, threshold, forged_is)
    white = grey > (0 if highest <= 1 else threshold * unit)
    return (white if forged_is == 'white' else ~white).astype(np.uint8)


def _grey(path: str) -> np.ndarray:
    """A mask file's luminance, uint8 or uint16 of shape (H, W)."""
    name = f'the mask {path}'
    data = decodable(fileio.get(path), name)
    content = np.frombuffer(data, np.uint8)
    with image_header(BytesIO(data), name) as header:
        decode_alpha = _may_be_transparent(header)
    try:
        grey = cv2.imdecode(content, cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH)
        unchanged = cv2.imdecode(content, cv2.IMREAD_UNCHANGED) if decode_alpha else grey
    except cv2.error:
        grey = None
    if grey is None or unchanged is None:
        raise ValueError(f'{name} cannot be read: it is no image, or truncated')
    if grey.dtype not in (np.uint8, np.uint16):
        raise ValueError(f'{name} has {grey.dtype} values: save it with 8 bits, 0 and 255')
    if unchanged.ndim == 3 and unchanged.shape[2] == 4 and np.ptp(unchanged[..., 3]):
        raise ValueError(f'{name} is partly transparent: save it without transparency, in black and white')
    return grey


def _require_two_levels(path: str, grey: np.ndarray, unit: int, threshold: int, forged_is: str) -> None:
    """Refuse a mask with areas that are neither black nor white and would count as pristine."""
    levels = stray_levels(grey, unit, threshold, forged_is)
    if not levels:
        return
    named = ', '.join(map(str, levels[:8])) + (', ...' if len(levels) > 8 else '')
    ground, forged, pristine = ('black', 0, MIDDLE + 1) if forged_is == 'white' else ('white', 254, MIDDLE - 1)
    raise ValueError(
        f'the mask {path} has more levels than black and white: {shares(grey, unit, levels)}; with '
        f'mask_threshold={threshold}{f" (times {unit}, for its 16 bits)" if unit > 1 else ""} what is {named} would '
        f'count as pristine: set mask_threshold in the dataset config, to {forged} if all but {ground} is forged, to '
        f'{pristine} if those are pristine'
    )


def _may_be_transparent(header: Image.Image) -> bool:
    """Whether a file's header leaves it open that it has an alpha channel: only then is it decoded for that."""
    return header.mode not in ('1', 'L', 'P', 'RGB', 'I;16') or 'transparency' in header.info


def has_proportions(mask: tuple[int, int], image: tuple[int, int]) -> bool:
    """Whether a mask has the proportions of its image, up to two of the image's pixels."""
    scale = max(side / of_mask for side, of_mask in zip(image, mask, strict=True))
    return all(abs(of_mask * scale - side) <= 2 for side, of_mask in zip(image, mask, strict=True))


def _size(shape: tuple[int, int]) -> str:
    """A (height, width) as people write it."""
    return f'{shape[1]}x{shape[0]}'


@TRANSFORMS.register_module()
class LimitPixels(BaseTransform):
    """Shrink an image that has more pixels than a network's memory bears, keeping its proportions; warn of each.

    Shrinking removes part of the traces that a network looks for, so that the result of such an image is not that of
    the network at the image's own size. Stands before the mask is loaded, which keeps the size of the file and is
    scored there.

    Required and changed keys: ``img``, ``img_shape``. Added keys, for a shrunk image: ``scale_factor``,
    ``keep_ratio``.

    Args:
        max_pixels (int): Most pixels, height times width. Defaults to 2^21, about two million.

    Raises:
        ValueError: If ``max_pixels`` is below 1.
    """

    def __init__(self, max_pixels: int = 2**21) -> None:
        self.max_pixels = require_whole('max_pixels', max_pixels, 1)

    def transform(self, results: dict) -> dict:
        """Shrink the image bilinearly, if it is too large.

        Raises:
            ValueError: If a mask is already loaded.
        """
        if 'gt_seg_map' in results:
            raise ValueError('LimitPixels shrinks the image alone: put it before LoadForgeryMask in the pipeline')
        height, width = results['img'].shape[:2]
        if height * width <= self.max_pixels:
            return results
        scale = math.sqrt(self.max_pixels / (height * width))
        # Rounded down, so that the limit holds.
        size = tuple(max(1, int(side * scale)) for side in (width, height))
        warnings.warn(
            f'{results.get("img_path", "an image")} of {width}x{height} pixels is judged at {size[0]}x{size[1]}, '
            f'LimitPixels.max_pixels={self.max_pixels}: what is found there is not what the network finds at full size',
            stacklevel=2,
        )
        results['img'] = mmcv.imresize(results['img'], size)
        results['img_shape'] = results['img'].shape[:2]
        results['scale_factor'] = (size[0] / width, size[1] / height)
        results['keep_ratio'] = True
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(max_pixels={self.max_pixels})'
