"""Counts of pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from focal_mmseg.evaluation.counts import Counts

SHAPES = st.tuples(st.integers(1, 8), st.integers(1, 8))
MASKS = SHAPES.flatmap(lambda shape: st.tuples(*[arrays.arrays(bool, shape)] * 2))


@settings(deadline=None, max_examples=80)
@given(MASKS)
def test_the_inverse_mask_has_the_same_permuted_f1_and_the_opposite_mcc(masks) -> None:
    forged, truth = masks
    mask, inverse = Counts.from_masks(forged, truth), Counts.from_masks(~forged, truth)
    assert mask.permuted_f1 == inverse.permuted_f1
    assert mask.mcc == pytest.approx(-inverse.mcc, nan_ok=True)


@settings(deadline=None, max_examples=80)
@given(MASKS, MASKS)
def test_counts_of_two_images_add_up(first, second) -> None:
    together = Counts.from_masks(*(np.concatenate([a.ravel(), b.ravel()]) for a, b in zip(first, second, strict=True)))
    assert Counts.from_masks(*first) + Counts.from_masks(*second) == together


def test_counts_of_a_large_set_do_not_overflow() -> None:
    counts = Counts(3 * 10**11, 10**10, 2 * 10**10, 9 * 10**12)
    assert counts.mcc == pytest.approx(0.9499, abs=1e-3)
