"""Mixtures on the sphere."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import vonmises_fisher

from focal_mmseg.analysis.von_mises_fisher import estimate_concentration, log_normaliser, two_von_mises_fisher


@pytest.mark.parametrize(('concentration', 'width'), [(0.5, 3), (20.0, 3), (200.0, 32), (5.0, 32)])
def test_the_density_is_scipys(concentration: float, width: int) -> None:
    axis = np.eye(width)[0]
    points = np.eye(width)
    wanted = vonmises_fisher(axis, concentration).logpdf(points)
    np.testing.assert_allclose(log_normaliser(concentration, width) + concentration * points @ axis, wanted, rtol=1e-6)


def test_the_concentration_of_a_sample_is_found() -> None:
    sample = vonmises_fisher(np.eye(16)[0], 60.0).rvs(4000, random_state=0)
    assert estimate_concentration(float(np.linalg.norm(sample.mean(0))), 16) == pytest.approx(60, rel=0.05)
    assert math.isfinite(estimate_concentration(1.0, 16)) and estimate_concentration(0.0, 16) > 0


@pytest.mark.parametrize('tied', [False, True])
def test_two_components_come_apart_and_one_gains_nothing(tied: bool) -> None:
    axes = np.eye(8)
    sample = np.concatenate(
        [
            vonmises_fisher(axes[0], 60.0).rvs(400, random_state=0),
            vonmises_fisher(axes[1], 60.0).rvs(100, random_state=1),
        ]
    )
    truth = torch.arange(500) >= 400
    start = truth.clone()
    start[:150] = ~start[:150]
    share, gain = two_von_mises_fisher(torch.from_numpy(sample).float(), start, tied)
    assert ((share > 0.5) == truth).float().mean() > 0.98
    _, none = two_von_mises_fisher(torch.from_numpy(sample[:400]).float(), start[:400], tied)
    assert gain > 0.5 > 0.2 > none > -0.05


def test_equal_points_are_no_error() -> None:
    points = torch.zeros(20, 4)
    points[:, 0] = 1
    share, gain = two_von_mises_fisher(points, torch.arange(20) > 15)
    assert share.isfinite().all() and math.isfinite(gain)
