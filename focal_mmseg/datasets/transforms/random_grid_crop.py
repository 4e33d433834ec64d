"""Random crops whose corner lies on the grid of a JPEG's blocks."""

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from focal_mmseg.utils.jpeg import BLOCK

IGNORED = 255


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
            mask = _as_image(results[key], image.shape[:2], results['img_padding_size'])
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


def _as_image(mask: np.ndarray, shape: tuple[int, int], padding: tuple[int, int, int, int]) -> np.ndarray:
    """A mask at the size of its padded image; one that was loaded before the image was padded has it already."""
    if mask.shape == shape:
        return mask
    left, right, top, bottom = padding
    return np.pad(mask, ((top, bottom), (left, right)), constant_values=IGNORED)
