"""The image's fine grain."""

import cv2
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from focal_mmseg.datasets.transforms import NoiseResidual


def test_it_is_the_image_less_its_blur_clipped(photograph: np.ndarray) -> None:
    residual = NoiseResidual(sigma=1.0, limit=20.0).transform(dict(img=photograph))['img']
    image = photograph.astype(np.float64)
    blurred = np.stack([gaussian_filter(image[..., c], 1.0, mode='mirror', truncate=4.0) for c in range(3)], axis=2)
    assert residual.dtype == np.float32
    np.testing.assert_allclose(residual, (image - blurred).clip(-20, 20), atol=0.2)
    assert np.abs(residual).max() <= 20


def test_a_flat_image_has_none() -> None:
    flat = dict(img=np.full((9, 7, 3), 90, np.uint8))
    assert np.abs(NoiseResidual().transform(flat)['img']).max() < 1e-3


def test_noise_stays_and_the_scene_goes() -> None:
    ramp = np.tile(np.linspace(0, 200, 64), (64, 1))
    noise = np.random.default_rng(0).normal(0, 5, (64, 64))
    image = cv2.merge([np.round(ramp + noise).clip(0, 255).astype(np.uint8)] * 3)
    residual = NoiseResidual().transform(dict(img=image))['img'][8:-8, 8:-8, 0]
    assert np.corrcoef(residual.ravel(), noise[8:-8, 8:-8].ravel())[0, 1] > 0.9
    assert abs(np.corrcoef(residual.ravel(), ramp[8:-8, 8:-8].ravel())[0, 1]) < 0.1


@pytest.mark.parametrize('options', [dict(sigma=0), dict(limit=-1)])
def test_options_out_of_range_are_refused(options: dict) -> None:
    with pytest.raises(ValueError, match='must be a number above 0'):
        NoiseResidual(**options)
