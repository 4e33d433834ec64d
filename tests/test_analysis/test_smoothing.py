"""Priors on neighbours, against independent implementations and their definitions."""

import cv2
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from skimage.morphology import reconstruction

from focal_mmseg.analysis.smoothing import box, connected, guided, potts


def plane_of(seed: int, height: int = 9, width: int = 7) -> np.ndarray:
    return np.random.default_rng(seed).random((height, width)).astype(np.float32)


@given(st.integers(0, 1000), st.floats(1, 4))
@settings(max_examples=40)
def test_connected_is_the_reconstruction_and_hysteresis_at_every_threshold(seed: int, factor: float) -> None:
    plane = plane_of(seed)
    found = connected(plane, np.float32(factor))
    wanted = reconstruction(plane, np.float32(factor) * plane, footprint=np.ones((3, 3)))
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    threshold = float(np.quantile(plane, 0.8)) + 1e-4
    _, labels = cv2.connectedComponents((np.float32(factor) * plane > threshold).astype(np.uint8))
    kept = np.unique(labels[plane > threshold])
    np.testing.assert_array_equal(found > threshold, np.isin(labels, kept[kept > 0]))


def test_a_flat_guide_smooths_and_the_plane_itself_keeps_edges() -> None:
    step = np.repeat(np.array([[0.0, 1.0]], np.float32), 8, axis=1).repeat(16, axis=0)
    noisy = step + 0.05 * plane_of(0, 16, 16)
    kept = guided(noisy, step, 2, 0.01)
    assert kept[:, 6].max() < 0.15 and kept[:, 9].min() > 0.85
    assert kept[:, :6].std() < noisy[:, :6].std() / 2
    flat = guided(noisy, np.ones_like(noisy), 2, 0.01)
    np.testing.assert_allclose(flat, box(box(noisy, 2), 2), atol=1e-3)


def test_neighbours_of_one_kind_strengthen_each_other() -> None:
    plane = np.full((5, 5), 0.05, np.float32)
    plane[:, 3:] = 0.2
    plane[2, 0] = 0.15
    found = potts(plane, 0.1, 0.5, 5)
    assert found[2, 0] < 0.1 < found[2, 4]
    assert found[2, 4] > 0.2 and found[0, 0] < 0.05
    np.testing.assert_allclose(potts(plane, 0.1, 0.0, 5), plane, rtol=1e-5)


def test_a_factor_of_one_changes_nothing() -> None:
    assert connected(plane_of(3), 1) == pytest.approx(plane_of(3))
