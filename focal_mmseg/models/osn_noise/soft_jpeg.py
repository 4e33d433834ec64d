"""JPEG compression with a rounding that has a gradient."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

BLOCK = 8
# Two blocks of luma a side are one of chroma.
WHOLE = 16
# The tables of the JPEG standard, annex K, rows from low to high vertical frequency.
LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
CHROMA = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * BLOCK,) * 4,
)
TO_YCBCR = (
    (0.299, 0.587, 0.114),
    (-0.168736, -0.331264, 0.5),
    (0.5, -0.418688, -0.081312),
)
TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))


def soft_jpeg(images: Tensor, quality: float) -> Tensor:
    """Compress and decompress images: YCbCr, chroma of half the size, DCT of 8x8 blocks, quantisation.

    The tables' entries are neither rounded nor bounded, and a coefficient x becomes r + (x - r)^3 with r the nearest
    whole number, so that everything has a gradient.

    Args:
        images (Tensor): RGB of shape (N, 3, H, W) in [0, 255]; H and W multiples of 16.
        quality (float): As libjpeg counts it, above 0, up to 100.

    Returns:
        Tensor: Of the same shape, in [0, 255].

    Raises:
        ValueError: If the sides are no multiples of 16, or the quality is out of its range.

    Source:
        Shin and Song, JPEG-resistant Adversarial Images, 2017, for the rounding.
    """
    if images.shape[2] % WHOLE or images.shape[3] % WHOLE:
        raise ValueError(f'soft_jpeg takes sides that are multiples of {WHOLE}, got {tuple(images.shape[2:])}')
    if not 0 < quality <= 100:
        raise ValueError(f'quality must be above 0 and at most 100, got {quality}')
    factor = (200 - 2 * quality) / 100 if quality >= 50 else 50 / quality
    if factor == 0:
        # At 100 nothing would be left to divide by; libjpeg's tables are all 1 there.
        tables = [torch.ones(BLOCK, BLOCK).to(images)] * 2
    else:
        tables = [images.new_tensor(table) * factor for table in (LUMA, CHROMA)]
    # Taken off all three, 128 is taken off the luma alone: the chroma's rows add up to 0.
    luma, chroma = _colours(images - 128, TO_YCBCR).split([1, 2], dim=1)
    luma = _quantised(luma, tables[0])
    chroma = _quantised(F.avg_pool2d(chroma, 2), tables[1])
    chroma = F.interpolate(chroma, scale_factor=2, mode='nearest')
    return (_colours(torch.cat([luma, chroma], dim=1), TO_RGB) + 128).clamp(0, 255)


def _colours(images: Tensor, matrix: tuple[tuple[float, ...], ...]) -> Tensor:
    """Each pixel's three values times a matrix."""
    return torch.einsum('ij,njhw->nihw', images.new_tensor(matrix), images)


def _quantised(planes: Tensor, table: Tensor) -> Tensor:
    """Planes (N, C, H, W) around 0, with their blocks' coefficients rounded to steps of the table."""
    count, channels, height, width = planes.shape
    blocks = planes.reshape(count, channels, height // BLOCK, BLOCK, width // BLOCK, BLOCK).transpose(3, 4)
    basis = _cosines(planes)
    coefficients = basis @ blocks @ basis.T / table
    nearest = coefficients.round()
    coefficients = (nearest + (coefficients - nearest) ** 3) * table
    return (basis.T @ coefficients @ basis).transpose(3, 4).reshape(planes.shape)


def _cosines(like: Tensor) -> Tensor:
    """The orthonormal DCT of 8 numbers, as a matrix whose rows are frequencies."""
    places = torch.arange(BLOCK, dtype=torch.float64)
    rows = (math.pi / BLOCK * torch.outer(places, places + 0.5)).cos() * math.sqrt(2 / BLOCK)
    rows[0] /= math.sqrt(2)
    return rows.to(like)
