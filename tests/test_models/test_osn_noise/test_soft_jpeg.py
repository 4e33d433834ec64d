"""JPEG with a gradient beside a plain statement and beside real JPEGs."""

import cv2
import numpy as np
import pytest
import torch
from scipy.fft import dctn, idctn

from focal_mmseg.datasets.synthesis import load_packaged
from focal_mmseg.models.osn_noise import soft_jpeg

LUMA = """16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56 14 17 22 29 51 87 80 62
18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92 49 64 78 87 103 121 120 101 72 92 95 98 112 100 103 99"""
CHROMA = """17 18 24 47 99 99 99 99 18 21 26 66 99 99 99 99 24 26 56 99 99 99 99 99 47 66 99 99 99 99 99 99
99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99"""


def photograph(height: int = 64, width: int = 96) -> np.ndarray:
    """RGB."""
    return cv2.resize(load_packaged('chelsea'), (width, height), interpolation=cv2.INTER_AREA)


def compressed_as_told(image: np.ndarray, quality: float) -> np.ndarray:
    """Block by block in double precision; image (H, W, 3)."""
    factor = (200 - 2 * quality) / 100 if quality >= 50 else 50 / quality
    red, green, blue = np.moveaxis(image.astype(float), -1, 0)
    planes = [
        0.299 * red + 0.587 * green + 0.114 * blue,
        128 - 0.168736 * red - 0.331264 * green + 0.5 * blue,
        128 + 0.5 * red - 0.418688 * green - 0.081312 * blue,
    ]
    found = []
    for plane, table in zip(planes, (LUMA, CHROMA, CHROMA), strict=True):
        steps = np.array(table.split(), float).reshape(8, 8) * factor
        if table is CHROMA:
            plane = plane.reshape(plane.shape[0] // 2, 2, -1, 2).mean((1, 3))
        result = np.empty_like(plane)
        for top in range(0, plane.shape[0], 8):
            for left in range(0, plane.shape[1], 8):
                here = slice(top, top + 8), slice(left, left + 8)
                values = dctn(plane[here] - 128, norm='ortho') / steps
                whole = np.round(values)
                result[here] = idctn((whole + (values - whole) ** 3) * steps, norm='ortho') + 128
        found.append(result.repeat(2, 0).repeat(2, 1) if table is CHROMA else result)
    luma, bluish, reddish = found
    rgb = [
        luma + 1.402 * (reddish - 128),
        luma - 0.344136 * (bluish - 128) - 0.714136 * (reddish - 128),
        luma + 1.772 * (bluish - 128),
    ]
    return np.stack(rgb, -1).clip(0, 255)


@pytest.mark.parametrize('quality', [20, 50, 71, 95])
def test_equal_to_the_statement(quality: int) -> None:
    image = photograph()
    batch = torch.from_numpy(np.stack([image, image[::-1]])).permute(0, 3, 1, 2).double()
    found = soft_jpeg(batch, quality)
    wanted = np.stack([compressed_as_told(each, quality) for each in (image, image[::-1])])
    np.testing.assert_allclose(found.permute(0, 2, 3, 1).numpy(), wanted, atol=1e-9)
    assert np.abs(wanted[0] - image).mean() > 0.3


@pytest.mark.parametrize('quality', [50, 75])
def test_near_to_a_real_jpeg(quality: int) -> None:
    image = photograph(128, 192)
    real = cv2.imdecode(cv2.imencode('.jpg', image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1)[..., ::-1]
    found = soft_jpeg(torch.from_numpy(image).permute(2, 0, 1)[None].double(), quality)[0].permute(1, 2, 0).numpy()
    lost = np.abs(real - image.astype(float)).mean()
    assert np.abs(found - real).mean() < 0.6 * lost


def test_it_has_a_gradient_where_rounding_has_none() -> None:
    image = torch.from_numpy(photograph(16, 16)).permute(2, 0, 1)[None].double().requires_grad_()
    soft_jpeg(image, 80).square().mean().backward()
    assert bool(image.grad.isfinite().all()) and float(image.grad.abs().sum()) > 0


def test_at_100_nothing_but_the_chroma_is_coarse() -> None:
    grey = torch.from_numpy(photograph(32, 32)).float().mean(-1).round().expand(1, 3, 32, 32)
    assert float((soft_jpeg(grey, 100) - grey).abs().max()) < 1


@pytest.mark.parametrize('size', [(16, 24), (8, 16), (15, 16)])
def test_sides_that_are_no_whole_blocks_are_named(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=rf'multiples of 16, got \({size[0]}, {size[1]}\)'):
        soft_jpeg(torch.zeros(1, 3, *size), 95)


@pytest.mark.parametrize('quality', [0, -1, 100.5])
def test_a_quality_out_of_its_range_is_named(quality: float) -> None:
    with pytest.raises(ValueError, match='quality must be above 0 and at most 100'):
        soft_jpeg(torch.zeros(1, 3, 16, 16), quality)
