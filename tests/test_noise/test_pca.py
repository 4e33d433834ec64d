"""Noise levels by principal components, against planted noise."""

import numpy as np
import pytest

from focal_mmseg.noise import blockwise_noise_map, pca_noise_level, two_levels
from focal_mmseg.noise.pca import SHARES, TRIM, _borders, _eigenvalues, _patches


@pytest.mark.parametrize('sigma', [5, 10, 15])
def test_the_level_of_planted_noise_within_a_twelfth(photograph: np.ndarray, noisy, sigma: float) -> None:
    assert pca_noise_level(noisy(photograph, sigma)) == pytest.approx(sigma, rel=1 / 12)


def test_faint_noise_within_half_a_grey_level(photograph: np.ndarray, noisy) -> None:
    assert pca_noise_level(noisy(photograph, 2)) == pytest.approx(2, abs=0.5)


@pytest.mark.parametrize(('around', 'inside'), [(0, 10), (2, 8), (8, 2)])
def test_a_planted_difference_is_found(smooth, noisy, planted, around, inside) -> None:
    mask = planted(smooth)
    found = blockwise_noise_map(noisy(smooth, np.where(mask, inside, around)))
    forged = (two_levels(found, TRIM).score > 0.5).repeat(32, 0).repeat(32, 1)[: mask.shape[0], : mask.shape[1]]
    assert (forged & mask).sum() / (forged | mask).sum() > 0.5


def test_every_subset_is_that_of_the_quietest_patches() -> None:
    patches = _patches(np.random.default_rng(0).uniform(1, 254, (20, 21)))
    assert patches.shape == (16 * 17, 25)
    counts = np.round(SHARES * len(patches)).astype(int)
    found = _eigenvalues(patches, counts)
    for count, values in zip(counts, found, strict=True):
        np.testing.assert_allclose(
            values, np.linalg.eigvalsh(np.cov(patches[:count], rowvar=False, bias=True)), atol=1e-7
        )


def test_clipped_patches_are_left_out() -> None:
    grey = np.full((20, 20), 100)
    grey[:, :10] = 255
    # Patches with two columns or fewer in the white: those are 5 or more clipped pixels, so none may touch it.
    assert len(_patches(grey)) == 16 * 6
    assert np.isnan(pca_noise_level(np.full((64, 64), 255)))


def test_a_block_that_is_clipped_has_its_neighbours_level(noisy) -> None:
    grey = noisy(np.full((192, 256), 128.0), 6)
    grey[64:128, 64:128] = 255
    assert blockwise_noise_map(grey) == pytest.approx(np.full((6, 8), 6), rel=0.25)


@pytest.mark.parametrize('shape', [(1, 1), (4, 90), (20, 20), (64, 64), (70, 97), (129, 100)])
def test_an_image_of_any_size_has_a_map(noisy, shape: tuple[int, int]) -> None:
    found = blockwise_noise_map(noisy(np.full(shape, 128.0), 5))
    assert found.shape == tuple(-(-side // 32) for side in shape)
    assert (found > 2).all() if min(shape) > 19 else (found == 0).all()


def test_a_constant_image_has_no_noise() -> None:
    assert blockwise_noise_map(np.full((100, 100), 77, np.uint8)).max() == 0


def test_the_border_is_on_both_sides_of_the_change() -> None:
    parts = np.zeros((4, 5), bool)
    parts[:2, :2] = True
    expected = [[0, 1, 1, 0, 0], [1, 1, 1, 0, 0], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]]
    np.testing.assert_array_equal(_borders(parts), np.array(expected, bool))


def test_an_image_with_colours_is_refused() -> None:
    with pytest.raises(ValueError, match='grey image'):
        blockwise_noise_map(np.zeros((64, 64, 3)))
