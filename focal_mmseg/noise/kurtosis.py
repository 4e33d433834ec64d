"""Noise levels from the kurtosis of band-passed images (Lyu, Pan and Zhang, IJCV 2014).

In a natural image the kurtosis is nearly the same in every band; white Gaussian noise has none. What noise takes
away from a band's kurtosis depends on how much of the band's variance it is, so that the bands together tell its
variance. Those equations are the paper's; how its local map becomes a mask is left to :func:`two_levels`.
"""

from collections.abc import Iterable, Iterator

import cv2
import numpy as np
from scipy.fft import dct

# Variance of a band below which a window counts as constant: far below that of rounding, 1/12.
CONSTANT = 1e-3


def closed_form(variances: np.ndarray, kurtoses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit ``sqrt(k_i) = sqrt(k) * (1 - noise / v_i)`` to the bands by least squares (the paper's closed form).

    It is a straight line through sqrt(k_i) over 1 / v_i: its height at 0 is sqrt(k), its slope ``-sqrt(k) * noise``.

    Args:
        variances (np.ndarray): v_i > 0 of shape (K, ...), of the noisy image's bands; K is at least 2.
        kurtoses (np.ndarray): Excess kurtoses k_i of the same shape; those below 0, which natural images
            do not have, count as 0.

    Returns:
        tuple[np.ndarray, np.ndarray]: sqrt(k) and the variance of the noise, both of shape (...), where the fit has a
        solution with sqrt(k) > 0; elsewhere NaN.
    """
    return _line(*_means(zip(variances, kurtoses, strict=True))[:4])


def noise_variance(bands: Iterable[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """The variance of the noise by :func:`closed_form`, and where that says nothing.

    Noise is in every band, so that its variance is at most that of the quietest. It is taken to be just that where the
    line is none of the model's (its slope or its height at 0 has the wrong sign): mostly a window without structure,
    whose kurtoses are chance. Both are ours; the authors' released code takes the harmonic mean of the bands' variances
    there and has no bound, which finds less of a planted noise difference (docs/notes/baselines.md).

    Args:
        bands (Iterable[tuple[np.ndarray, np.ndarray]]): Variance and excess kurtosis of each band, see
            :func:`closed_form`; of shape (...). They are taken one by one, so that they need not be in memory together.

    Returns:
        np.ndarray: Of shape (...), at least 0.
    """
    *means, quietest = _means(bands)
    _, found = _line(*means)
    return np.where(found >= 0, np.minimum(found, quietest), quietest)


def kurtosis_noise_level(grey: np.ndarray, size: int = 8) -> float:
    """The noise level of a whole image.

    Args:
        grey (np.ndarray): Grey levels in 0..255 of shape (H, W), each side at least ``size``.
        size (int): Side of the DCT's filters, see :func:`bands`. Defaults to 8.

    Returns:
        float: Standard deviation of the noise, in grey levels.

    Raises:
        ValueError: If the image has another form, or the size is below 2.
    """
    margin = size // 2
    inner = (
        band[margin : len(band) - margin + 1, margin : band.shape[1] - margin + 1]
        for band in bands(_checked(grey, size), size)
    )
    return float(np.sqrt(noise_variance(central(*(power.mean() for power in _powers(band))) for band in inner)))


def kurtosis_noise_map(grey: np.ndarray, window: int = 32, step: int = 4, size: int = 8) -> np.ndarray:
    """The noise level around each point of a grid, over a square window.

    Args:
        grey (np.ndarray): See :func:`window_statistics`, also for the options.
        window (int): Defaults to 32.
        step (int): Defaults to 4.
        size (int): Defaults to 8.

    Returns:
        np.ndarray: Standard deviations in grey levels, of shape (ceil(H / step), ceil(W / step)).

    Raises:
        ValueError: See :func:`window_statistics`.
    """
    return np.sqrt(noise_variance(window_statistics(grey, window, step, size)))


def window_statistics(
    grey: np.ndarray, window: int = 32, step: int = 4, size: int = 8
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Variance and kurtosis of each band over a square window around each point of a grid.

    Args:
        grey (np.ndarray): Grey levels in 0..255 of shape (H, W).
        window (int): Side of the square, in pixels, at least 2. Defaults to 32.
        step (int): Distance of the grid's points, in pixels, at least 1. Defaults to 4.
        size (int): Side of the DCT's filters, see :func:`bands`. Defaults to 8.

    Yields:
        tuple[np.ndarray, np.ndarray]: A band's variances and excess kurtoses of shape (ceil(H / step), ceil(W / step)),
        each for the cell of ``step`` pixels a side around its point.

    Raises:
        ValueError: If the image has another form, the window or the size is below 2, or the step below 1.
    """
    if window < 2 or step < 1:
        raise ValueError(f'window must be at least 2 and step at least 1, got {window} and {step}')
    grey = _checked(grey)
    padded = np.pad(grey, [(0, -side % step) for side in grey.shape], mode='edge')
    for band in bands(padded, size):
        # A sliding sum over the window costs the same for any window, as the paper's integral images do.
        moments = (cv2.blur(power, (window, window))[step // 2 :: step, step // 2 :: step] for power in _powers(band))
        yield central(*moments)


def bands(grey: np.ndarray, size: int = 8) -> Iterator[np.ndarray]:
    """The image through each filter of the two-dimensional DCT but the constant one; white noise keeps its variance.

    Args:
        grey (np.ndarray): float64 of shape (H, W).
        size (int): Side of the filters, at least 2: ``size ** 2 - 1`` bands. Defaults to 8, the paper's.

    Yields:
        np.ndarray: float64 of shape (H, W); the image is mirrored at its border.

    Raises:
        ValueError: If the size is below 2.
    """
    if size < 2:
        raise ValueError(f'the filters of the DCT need a side of at least 2, got {size}')
    basis = dct(np.eye(size), norm='ortho', axis=0)
    for row in range(size):
        for column in range(size):
            if row or column:
                yield cv2.sepFilter2D(grey, cv2.CV_64F, basis[column], basis[row])


def central(
    mean: np.ndarray, second: np.ndarray, third: np.ndarray, fourth: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Variance, at least ``CONSTANT``, and excess kurtosis from the raw moments, arrays of one shape."""
    variance = np.maximum(second - mean**2, CONSTANT)
    moment = fourth - 4 * mean * third + 6 * mean**2 * second - 3 * mean**4
    return variance, moment / variance**2 - 3


def _means(bands: Iterable[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, ...]:
    """Over the bands: means of sqrt(k), 1 / v, 1 / v^2 and sqrt(k) / v, and the smallest v."""
    count, sums, quietest = 0, np.zeros(()), np.array(np.inf)
    for variance, kurtosis in bands:
        root, inverse = np.sqrt(np.maximum(kurtosis, 0)), 1 / variance
        sums = sums + np.stack([root, inverse, inverse * inverse, root * inverse])
        quietest = np.minimum(quietest, variance)
        count += 1
    return (*(sums / count), quietest)


def _line(
    root: np.ndarray, inverse: np.ndarray, square: np.ndarray, product: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What :func:`closed_form` returns, from the first four of :func:`_means`."""
    spread = square - inverse**2
    kurtosis = np.divide(
        root * square - product * inverse, spread, out=np.full_like(spread, np.nan), where=spread > 1e-12 * square
    )
    kurtosis = np.where(kurtosis > 0, kurtosis, np.nan)
    return kurtosis, (1 - root / kurtosis) / inverse


def _powers(band: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The first four powers, by products: numpy's are ten times slower."""
    square = band * band
    return band, square, square * band, square * square


def _checked(grey: np.ndarray, least: int = 1) -> np.ndarray:
    """The image as float64.

    Raises:
        ValueError: If it is no plane with sides of at least ``least``.
    """
    if grey.ndim != 2 or min(grey.shape) < least:
        raise ValueError(f'expected a grey image (H, W) with sides of at least {least}, got {grey.shape}')
    return grey.astype(np.float64)
