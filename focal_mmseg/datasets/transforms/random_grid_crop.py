"""A random window of a JPEG image, on its grid."""

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from focal_mmseg.utils.jpeg import BLOCK


@TRANSFORMS.register_module()
class RandomGridCrop(BaseTransform):
    """Cut a random window out of what :class:`LoadJPEGArtifacts` made; its corner lies on the 8x8 grid.

    mmseg's ``RandomCrop`` knows no grid. A side that is smaller than the window stays as it is; the data preprocessor's
    ``size`` fills it up. Chance comes from numpy's global generator, as in mmcv's transforms.

    Required keys: ``img`` ((H, W, C), H and W multiples of 8), ``img_padding_size``. Modified keys: ``img``,
    ``img_shape``, ``pad_shape``, ``img_padding_size``, the masks of ``seg_fields``.

    Args:
        crop_size (tuple[int, int]): Height and width in pixels, multiples of 8.

    Raises:
        ValueError: If ``crop_size`` is no such pair.
    """

    def __init__(self, crop_size: tuple[int, int]) -> None:
        fits = len(crop_size) == 2 and all(isinstance(side, int) and side > 0 for side in crop_size)
        if not fits or any(side % BLOCK for side in crop_size):
            raise ValueError(f'crop_size of RandomGridCrop must be two multiples of {BLOCK}, got {crop_size!r}')
        self.crop_size = tuple(crop_size)

    def transform(self, results: dict) -> dict:
        """Cut ``img`` and the masks.

        Raises:
            ValueError: If the image is none of :class:`LoadJPEGArtifacts`, or a mask has another size or is not loaded
                yet.
        """
        if 'jpeg_table' not in results:
            raise ValueError('RandomGridCrop must stand behind LoadJPEGArtifacts')
        if 'seg_map_path' in results and 'gt_seg_map' not in results:
            raise ValueError('RandomGridCrop must stand behind LoadForgeryMask, else the mask is left behind')
        shape = results['img'].shape[:2]
        spare = [max(side - wanted, 0) // BLOCK for side, wanted in zip(shape, self.crop_size, strict=True)]
        top, left = (BLOCK * np.random.randint(blocks + 1) for blocks in spare)
        window = np.s_[top : top + self.crop_size[0], left : left + self.crop_size[1]]
        for key in ('img', *results.get('seg_fields', [])):
            if results[key].shape[:2] != shape:
                raise ValueError(
                    f'RandomGridCrop: {key} is of shape {results[key].shape[:2]}, the image {shape}: LoadForgeryMask '
                    'must stand before LoadJPEGArtifacts'
                )
            results[key] = np.ascontiguousarray(results[key][window])
        height, width = results['img_shape'] = results['pad_shape'] = results['img'].shape[:2]
        before, after, above, below = results['img_padding_size']
        results['img_padding_size'] = (
            max(before - left, 0),
            max(left + width - (shape[1] - after), 0),
            max(above - top, 0),
            max(top + height - (shape[0] - below), 0),
        )
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(crop_size={self.crop_size})'
