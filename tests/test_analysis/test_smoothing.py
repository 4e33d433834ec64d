"""Priors on neighbours, by what they promise."""

import numpy as np

from focal_mmseg.analysis.smoothing import box, guided, potts


def plane_of(seed: int, height: int = 9, width: int = 7) -> np.ndarray:
    return np.random.default_rng(seed).random((height, width)).astype(np.float32)


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
