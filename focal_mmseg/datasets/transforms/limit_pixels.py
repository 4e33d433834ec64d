"""Images that are too large for a network, made smaller, and told so."""

import math
import warnings

import mmcv
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS


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
        if max_pixels < 1:
            raise ValueError(f'max_pixels must be at least 1, got {max_pixels}')
        self.max_pixels = max_pixels

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
