"""Forgeries of a rectangle, made anew at every step of a training."""

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from .picture_transform import require

METHODS = ('copy', 'inpaint')
IGNORED = 255
RADIUS = 3


@TRANSFORMS.register_module()
class SquareForgery(BaseTransform):
    """Forge a rectangle of an image, and mark it in the mask.

    Chance comes from numpy's global generator, as in mmcv's transforms.

    Required and modified keys: ``img``, uint8 of shape (H, W, 3), and ``gt_seg_map`` (H, W). Pixels that the mask
    ignores are left as they are and ignored.

    Args:
        method (str): ``'copy'`` takes another place of the image, ``'inpaint'`` fills in from the surroundings, by
            Telea's or the Navier-Stokes method.
        share (tuple[float, float]): Least and greatest side of the rectangle over the image's. Defaults to (0.05, 0.3).

    Raises:
        ValueError: If an option is out of its range.

    Source:
        Chen, Dong, Ji, Cao, Li, ICCV 2021 (MVSS-Net), which gives neither sizes nor shares.
    """

    def __init__(self, method: str, share: tuple[float, float] = (0.05, 0.3)) -> None:
        if method not in METHODS:
            raise ValueError(f'method must be one of {METHODS}, got {method!r}')
        self.method = method
        self.share = require('share', tuple(share), 0, 0.9, above=True)

    def transform(self, results: dict) -> dict:
        """Replace ``img`` and ``gt_seg_map``.

        Raises:
            ValueError: If the image has other values than 8 bits, or there is no mask of its size.
        """
        image, mask = results['img'], results.get('gt_seg_map')
        if image.dtype != np.uint8 or mask is None or mask.shape != image.shape[:2]:
            raise ValueError('SquareForgery takes an image of 8 bits and a mask of its size: put it behind both')
        height, width = (max(1, round(side * np.random.uniform(*self.share))) for side in mask.shape)
        # An image of one pixel has no other place.
        top, left, other_top, other_left = (
            np.random.randint(side - part + 1)
            for _ in range(2)
            for side, part in zip(mask.shape, (height, width), strict=True)
        )
        here = np.s_[top : top + height, left : left + width]
        source = image[other_top : other_top + height, other_left : other_left + width]
        changed = image.copy()
        changed[here] = source if self.method == 'copy' else _filled(image, here)
        kept = mask == IGNORED
        changed[kept] = image[kept]
        marked = mask.copy()
        marked[here] = 1
        marked[kept] = IGNORED
        results['img'], results['gt_seg_map'] = changed, marked
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(method={self.method!r}, share={self.share})'


def _filled(image: np.ndarray, here: tuple[slice, slice]) -> np.ndarray:
    """A rectangle, filled in from around it."""
    region = np.zeros(image.shape[:2], np.uint8)
    region[here] = 1
    return cv2.inpaint(image, region, RADIUS, (cv2.INPAINT_TELEA, cv2.INPAINT_NS)[np.random.randint(2)])[here]
