"""The search for images that look alike."""

import io

import cv2
import imagehash
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from focal_mmseg.datasets.checking import find_near_pairs, near_duplicates
from focal_mmseg.datasets.synthesis import PACKAGED, load_packaged

HASHES = arrays.arrays(np.uint64, st.integers(0, 12), elements=st.sampled_from([0, 1, 7, 15, 31, 2**63, 2**64 - 1]))


def by_hand(first: np.ndarray, second: np.ndarray, most: int) -> list[tuple[int, int]]:
    return [
        (i, j)
        for i, one in enumerate(first.tolist())
        for j, other in enumerate(second.tolist())
        if (first is not second or i < j) and (one ^ other).bit_count() <= most
    ]


@given(HASHES, HASHES, st.integers(0, 5))
def test_pairs_are_those_of_a_loop(first: np.ndarray, second: np.ndarray, most: int) -> None:
    assert find_near_pairs(first, second, most) == by_hand(first, second, most)
    assert find_near_pairs(first, first, most) == by_hand(first, first, most)


def test_blocks_leave_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_duplicates, 'BLOCK', 3)
    hashes = np.random.default_rng(0).integers(0, 2**3, 20, dtype=np.uint64)
    hashes[:8] = 5
    assert find_near_pairs(hashes, hashes, 1) == by_hand(hashes, hashes, 1)
    assert find_near_pairs(hashes[:7], hashes, 1) == by_hand(hashes[:7], hashes, 1)


def test_hashes_that_differ_in_any_four_bits_are_found() -> None:
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**64, 300, dtype=np.uint64)
    changed = []
    for number, value in enumerate(hashes.tolist()):
        for bit in rng.choice(64, number % 6, replace=False):
            value ^= 1 << int(bit)
        changed.append(value)
    changed = np.array(changed, np.uint64)
    found = find_near_pairs(hashes, changed)
    assert found == by_hand(hashes, changed, 4) and len(found) == 250
    both = np.concatenate([hashes, changed])
    assert find_near_pairs(both, both) == by_hand(both, both, 4)


def test_the_search_ends_with_the_limit_and_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_duplicates, 'BLOCK', 100)
    blank, steps = np.zeros(200, np.uint64), []
    found = find_near_pairs(blank, blank, limit=50, progress=lambda: steps.append(1))
    assert len(found) == len(set(found)) == 50 and all(i < j for i, j in found)
    assert len(steps) == 5


def test_a_copy_that_was_compressed_and_resized_is_near_and_other_photographs_are_not() -> None:
    hashes, copies = [], []
    for name in PACKAGED:
        photograph = load_packaged(name)
        hashes.append(int(str(imagehash.phash(Image.fromarray(photograph))), 16))
        small = cv2.resize(photograph, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
        buffer = io.BytesIO()
        Image.fromarray(small).save(buffer, 'JPEG', quality=60)
        copies.append(int(str(imagehash.phash(Image.open(buffer))), 16))
    hashes, copies = np.array(hashes, np.uint64), np.array(copies, np.uint64)
    assert find_near_pairs(hashes, copies) == [(number, number) for number in range(len(PACKAGED))]
