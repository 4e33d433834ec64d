"""Filling in regions."""

import numpy as np
import pytest

from focal_mmseg.datasets.synthesis.parts import inpaint


@pytest.mark.parametrize('columns', [slice(10, 290), slice(60, 240)])
def test_only_the_region_changes_and_the_arguments_stay(columns: slice) -> None:
    image = np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8)
    mask = np.zeros((200, 300), np.uint8)
    # With its surroundings the wider region has the width of the image: a part of the array is then one block.
    mask[60:140, columns] = 1
    image_before, mask_before = image.copy(), mask.copy()
    filled = inpaint(image, mask, 'telea', 2, 6000)
    assert np.array_equal(mask, mask_before) and np.array_equal(image, image_before)
    changed = (filled != image).any(-1)
    assert not changed[mask == 0].any() and changed[mask == 1].mean() > 0.99
