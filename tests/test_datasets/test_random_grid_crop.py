"""Crops of five-channel JPEG images keep the grid, the table and the place of the mask."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmseg.registry import TRANSFORMS

from focal_mmseg.datasets.transforms import RandomGridCrop

TABLE = np.arange(1, 65, dtype=np.float32).reshape(8, 8)


def loaded(height: int, width: int) -> dict:
    """An image whose fourth channel numbers its pixels, and a mask that repeats the number's last digit."""
    rows, columns = (-(-side // 8) * 8 for side in (height, width))
    image = np.ones((rows, columns, 5), np.float32)
    image[..., 3] = np.arange(1, rows * columns + 1).reshape(rows, columns)
    image[..., 4] = np.tile(TABLE, (rows // 8, columns // 8))
    return dict(
        img=image,
        img_shape=(rows, columns),
        ori_shape=(height, width),
        jpeg_table=TABLE,
        img_padding_size=(0, columns - width, 0, rows - height),
        gt_seg_map=(image[:height, :width, 3] % 10).astype(np.uint8),
        seg_fields=['gt_seg_map'],
    )


@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from([8, 16, 40]), st.sampled_from([8, 24, 64]))
def test_a_crop_is_on_the_grid_and_what_is_beyond_the_image_is_told(
    height: int, width: int, rows: int, columns: int
) -> None:
    before = loaded(height, width)
    whole = before['img'].shape[:2]
    found = RandomGridCrop((rows, columns)).transform(dict(before))
    image, mask = found['img'], found['gt_seg_map']
    assert image.shape == (rows, columns, 5) and image.dtype == np.float32
    assert mask.shape == found['img_shape'] == found['pad_shape'] == (rows, columns) and mask.dtype == np.uint8
    np.testing.assert_array_equal(image[..., 4], np.tile(TABLE, (rows // 8, columns // 8)))
    first = int(image[0, 0, 3]) - 1
    top, left = divmod(first, whole[1])
    assert top % 8 == left % 8 == 0
    inside = np.zeros((rows, columns), bool)
    inside[: whole[0] - top, : whole[1] - left] = True
    np.testing.assert_array_equal(
        image[inside][:, :4], before['img'][top : top + rows, left : left + columns, :4].reshape(-1, 4)
    )
    assert not image[~inside][:, :4].any()
    of_file = np.zeros((rows, columns), bool)
    of_file[: max(height - top, 0), : max(width - left, 0)] = True
    assert (mask[~of_file] == 255).all()
    np.testing.assert_array_equal(mask[of_file], image[of_file][:, 3] % 10)


def test_every_corner_of_the_grid_is_drawn_by_numpys_generator() -> None:
    crop = TRANSFORMS.build(dict(type='RandomGridCrop', crop_size=(16, 16)))
    np.random.seed(0)
    corners = {int(crop.transform(loaded(32, 40))['img'][0, 0, 3]) - 1 for _ in range(300)}
    assert corners == {row * 40 + column for row in (0, 8, 16) for column in (0, 8, 16, 24)}
    np.random.seed(5)
    one = crop.transform(loaded(64, 64))['img']
    np.random.seed(5)
    np.testing.assert_array_equal(one, crop.transform(loaded(64, 64))['img'])


@pytest.mark.parametrize('size', [(0, 8), (12, 8), (8, -8), (8,)])
def test_a_size_off_the_grid_is_refused(size: tuple) -> None:
    with pytest.raises(ValueError, match=re.escape(f'whole blocks of 8, got {size}')):
        RandomGridCrop(size)


def test_other_images_are_refused() -> None:
    with pytest.raises(ValueError, match='put LoadJPEGArtifacts before it'):
        RandomGridCrop((8, 8)).transform(dict(img=np.zeros((16, 16, 3), np.uint8)))
