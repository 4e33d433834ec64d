"""Images above a limit are made smaller, with a warning; others are left alone."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmseg.registry import TRANSFORMS

from focal_mmseg.datasets.transforms import LimitPixels


def loaded(height: int, width: int) -> dict:
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return dict(img=image, img_shape=(height, width), ori_shape=(height, width), img_path='large.jpg')


def test_what_is_within_the_limit_is_untouched_and_not_warned_of() -> None:
    results = loaded(20, 30)
    before = results['img'].copy()
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        after = LimitPixels(600).transform(results)
    np.testing.assert_array_equal(after['img'], before)
    assert 'scale_factor' not in after


@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 600))
@pytest.mark.filterwarnings('ignore:large.jpg')
def test_the_limit_holds_and_the_proportions_stay(height: int, width: int, limit: int) -> None:
    after = LimitPixels(limit).transform(loaded(height, width))
    rows, columns = after['img'].shape[:2]
    assert after['img_shape'] == (rows, columns) and after['ori_shape'] == (height, width)
    assert rows * columns <= limit or 1 in (rows, columns)
    scale = min(1, (limit / (height * width)) ** 0.5)
    assert abs(rows - height * scale) <= 1 and abs(columns - width * scale) <= 1


def test_the_warning_names_the_image_and_both_sizes() -> None:
    limit = TRANSFORMS.build(dict(type='LimitPixels', max_pixels=100))
    with pytest.warns(UserWarning, match=r'large\.jpg of 40x10 pixels is judged at 20x5, LimitPixels\.max_pixels=100'):
        limit(loaded(10, 40))


def test_a_mask_must_not_be_there_yet_and_a_limit_must_be_one() -> None:
    with pytest.raises(ValueError, match='put it before LoadForgeryMask'):
        LimitPixels(100).transform(dict(loaded(10, 40), gt_seg_map=np.zeros((10, 40))))
    with pytest.raises(ValueError, match='at least 1'):
        LimitPixels(0)
