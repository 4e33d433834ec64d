"""Noise levels by kurtosis, against a numeric minimisation and planted noise."""

import cv2
import numpy as np
import pytest
from scipy.fft import dctn
from scipy.optimize import minimize
from scipy.stats import kurtosis

from focal_mmseg.noise import closed_form, kurtosis_noise_level, kurtosis_noise_map, two_levels
from focal_mmseg.noise.kurtosis import bands, noise_variance


def squares(parameters: np.ndarray, variances: np.ndarray, kurtoses: np.ndarray) -> float:
    """What the paper minimises."""
    root, noise = parameters
    return float(((np.sqrt(kurtoses) - root * (1 - noise / variances)) ** 2).sum())


@pytest.mark.parametrize('seed', range(5))
def test_the_closed_form_is_the_minimum(seed: int) -> None:
    rng = np.random.default_rng(seed)
    variances = 20 + rng.exponential(300, 63)
    kurtoses = (3 * (1 - 15 / variances) + rng.normal(0, 0.2, 63)).clip(0) ** 2
    root, noise = closed_form(variances, kurtoses)
    found = minimize(
        squares,
        (1, 1),
        (variances, kurtoses),
        method='Nelder-Mead',
        options=dict(xatol=1e-8, fatol=1e-12, maxiter=4000),
    )
    np.testing.assert_allclose((root, noise), found.x, rtol=1e-4)


def test_a_mixture_that_follows_the_model_is_solved_exactly() -> None:
    variances = np.array([30.0, 50, 90, 200])[:, None, None] * np.ones((1, 2, 3))
    root, noise = closed_form(variances, (2.5 * (1 - 16 / variances)) ** 2)
    np.testing.assert_allclose(root, np.full((2, 3), 2.5))
    np.testing.assert_allclose(noise, np.full((2, 3), 16.0))


@pytest.mark.parametrize(
    ('kurtoses', 'expected'),
    [([0.0, 0, 0], 4.0), ([9.0, 4, 1], 4.0), ([-1.0, 0.1, 4], 4.0), ([1.0, 4, 9], None)],
    ids=['no kurtosis', 'falls with the variance', 'more than the quietest band', 'as the model'],
)
def test_noise_is_never_more_than_the_quietest_band(kurtoses: list[float], expected: float | None) -> None:
    found = noise_variance(zip([4.0, 8.0, 16.0], kurtoses, strict=True))
    assert 0 <= found <= 4
    assert expected is None or found == pytest.approx(expected)


def test_bands_of_one_variance_tell_nothing_but_that() -> None:
    assert noise_variance([(4.0, 1.0), (4.0, 2.0), (4.0, 3.0)]) == 4


def test_the_bands_are_the_dcts_and_keep_white_noises_variance() -> None:
    grey = np.random.default_rng(0).normal(0, 5, (120, 130))
    found = list(bands(grey, 4))
    assert len(found) == 15
    block = np.array([band[50, 60] for band in found])
    # Of an even side, OpenCV's filter lies around the pixel to the right below its middle.
    np.testing.assert_allclose(block, dctn(grey[48:52, 58:62], norm='ortho').ravel()[1:], atol=1e-9)
    assert [band.std() for band in found] == pytest.approx([5] * 15, rel=0.1)


@pytest.mark.parametrize('sigma', [10, 15])
def test_the_level_of_planted_noise_within_a_sixth(photograph: np.ndarray, noisy, sigma: float) -> None:
    assert kurtosis_noise_level(noisy(photograph, sigma)) == pytest.approx(sigma, rel=1 / 6)


def test_more_noise_is_a_higher_level(photograph: np.ndarray, noisy) -> None:
    found = [kurtosis_noise_level(noisy(photograph, sigma)) for sigma in (6, 10, 16, 25)]
    assert found == sorted(found)


@pytest.mark.parametrize(('around', 'inside'), [(0, 10), (2, 8)])
def test_a_planted_difference_is_found(smooth, noisy, planted, around, inside) -> None:
    mask = planted(smooth)
    found = kurtosis_noise_map(noisy(smooth, np.where(mask, inside, around)))
    full = cv2.resize(found, mask.shape[::-1])
    assert np.median(full[mask]) > 2 * np.median(full[~mask])
    forged = cv2.resize(two_levels(found).score, mask.shape[::-1]) > 0.5
    assert (forged & mask).sum() / (forged | mask).sum() > 0.4


def test_a_window_is_that_of_its_point() -> None:
    """By hand at one point: the moments of the bands over 32x32 pixels."""
    grey = np.random.default_rng(1).gamma(2, 20, (96, 128))
    window = [band[50 - 16 : 50 + 16, 62 - 16 : 62 + 16] for band in bands(grey)]
    expected = noise_variance((each.var(), kurtosis(each, None)) for each in window)
    assert kurtosis_noise_map(grey)[12, 15] == pytest.approx(np.sqrt(expected))


@pytest.mark.parametrize('shape', [(1, 1), (3, 9), (33, 64), (10, 200)])
def test_an_image_of_any_size_has_a_map(shape: tuple[int, int]) -> None:
    found = kurtosis_noise_map(np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8))
    assert found.shape == tuple(-(-side // 4) for side in shape)
    assert np.isfinite(found).all()


@pytest.mark.parametrize('value', [0, 255])
def test_a_constant_image_has_no_noise(value: int) -> None:
    found = kurtosis_noise_map(np.full((40, 40), value, np.uint8))
    assert found.max() < 0.1


@pytest.mark.parametrize(
    ('shape', 'options', 'message'),
    [
        ((4, 4, 3), {}, 'grey image'),
        ((4, 4), dict(window=1), 'window'),
        ((4, 4), dict(step=0), 'step'),
        ((4, 4), dict(size=1), 'side of at least 2'),
    ],
)
def test_what_makes_no_sense_is_refused(shape: tuple[int, ...], options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kurtosis_noise_map(np.zeros(shape), **options)
    with pytest.raises(ValueError, match='at least 8'):
        kurtosis_noise_level(np.zeros((7, 9)))
