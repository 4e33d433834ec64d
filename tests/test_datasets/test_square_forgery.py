"""Forged rectangles of a training."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from focal_mmseg.datasets.synthesis import load_packaged
from focal_mmseg.datasets.transforms import SquareForgery


def sample(height: int = 60, width: int = 80) -> dict:
    image = cv2.resize(load_packaged('coffee'), (width, height))
    return dict(img=image, gt_seg_map=np.zeros((height, width), np.uint8))


@pytest.mark.parametrize('method', ['copy', 'inpaint'])
@pytest.mark.parametrize('seed', range(4))
def test_a_rectangle_changes_and_is_marked_and_nothing_else(method: str, seed: int) -> None:
    np.random.seed(seed)
    before, after = sample(), SquareForgery(method).transform(sample())
    marked = after['gt_seg_map'] == 1
    rows, columns = np.flatnonzero(marked.any(1)), np.flatnonzero(marked.any(0))
    assert marked.sum() == len(rows) * len(columns) == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
    assert 3 <= len(rows) <= 18 and 4 <= len(columns) <= 24
    np.testing.assert_array_equal(after['img'][~marked], before['img'][~marked])
    assert (after['img'][marked] != before['img'][marked]).any()
    part = after['img'][rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    windows = np.lib.stride_tricks.sliding_window_view(before['img'], part.shape)
    assert (windows == part).all((-3, -2, -1)).any() == (method == 'copy')


def test_an_earlier_forgery_stays_and_ignored_pixels_are_left() -> None:
    results = sample()
    results['gt_seg_map'][:30] = 255
    results['gt_seg_map'][50:] = 1
    image = results['img'].copy()
    np.random.seed(1)
    after = SquareForgery('copy', share=(0.8, 0.9)).transform(results)
    np.testing.assert_array_equal(after['img'][:30], image[:30])
    assert (after['gt_seg_map'][:30] == 255).all() and (after['gt_seg_map'][50:] == 1).all()
    assert (after['gt_seg_map'][30:50] == 1).any()


@given(st.integers(1, 9), st.integers(1, 9), st.sampled_from(['copy', 'inpaint']), st.integers(0, 9))
def test_tiny_images_too(height: int, width: int, method: str, seed: int) -> None:
    np.random.seed(seed)
    results = dict(img=np.zeros((height, width, 3), np.uint8), gt_seg_map=np.zeros((height, width), np.uint8))
    after = SquareForgery(method).transform(results)
    assert after['img'].shape == (height, width, 3) and (after['gt_seg_map'] == 1).any()


def test_the_seed_decides() -> None:
    found = []
    for _ in range(2):
        np.random.seed(5)
        found.append(SquareForgery('inpaint').transform(sample())['img'])
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize(
    ('options', 'says'),
    [
        (dict(method='move'), 'method must be one of'),
        (dict(method='copy', share=(0.0, 0.3)), 'share'),
        (dict(method='copy', share=(0.1, 1.0)), 'share'),
    ],
)
def test_an_option_out_of_its_range_is_named(options: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        SquareForgery(**options)


@pytest.mark.parametrize(
    'change', [dict(img=np.zeros((60, 80, 3), np.float32)), dict(gt_seg_map=None), dict(gt_seg_map=np.zeros((6, 8)))]
)
def test_what_it_cannot_forge_is_named(change: dict) -> None:
    with pytest.raises(ValueError, match='takes an image of 8 bits and a mask of its size'):
        SquareForgery('copy').transform(sample() | change)
