"""Mixtures of two von Mises-Fisher distributions, which are to the sphere what round Gaussians are to the plane."""

import numpy as np
import torch
from scipy.special import ive
from torch import Tensor

ROUNDS = 30
# Below, directions are all but even; above, the approximation of the concentration divides by nearly 0.
LEAST, MOST = 1e-3, 1e5


def log_normaliser(concentration: float, width: int) -> float:
    """The logarithm of the factor before exp(concentration * cosine), on the unit sphere in ``width`` dimensions."""
    order = width / 2 - 1
    # ive is the Bessel function times exp(-concentration), which keeps it finite.
    bessel = np.log(max(ive(order, concentration), 1e-300)) + concentration
    return order * np.log(concentration) - width / 2 * np.log(2 * np.pi) - bessel


def estimate_concentration(length: float, width: int) -> float:
    """The concentration whose mean vector has this length, by the approximation of Banerjee et al. (2005), eq. 4.4."""
    return float(np.clip((length * width - length**3) / max(1 - length**2, 1e-12), LEAST, MOST))


def two_von_mises_fisher(points: Tensor, start: Tensor, tied: bool = False) -> tuple[Tensor, float]:
    """Fit two components by expectation maximisation (Banerjee, Dhillon, Ghosh and Sra, 2005).

    Args:
        points (Tensor): Unit-length float of shape (P, C), C at least 2.
        start (Tensor): bool of shape (P,): the points of the second component at the start.
        tied (bool): Whether both have one concentration. Defaults to False.

    Returns:
        tuple[Tensor, float]: float32 of shape (P,), the probability that a point is of the second component; and the
        gain in mean log-likelihood of a point over one component, at least about 0.
    """
    unit = points.double().numpy()
    width = unit.shape[1]
    share = start.double().numpy().clip(0.01, 0.99)
    single = float(np.linalg.norm(unit.mean(0)))
    concentration = estimate_concentration(single, width)
    alone = log_normaliser(concentration, width) + concentration * single
    for _ in range(ROUNDS):
        weights = np.stack([1 - share, share])
        sums = weights @ unit
        lengths = np.linalg.norm(sums, axis=1)
        means = sums / lengths.clip(1e-12)[:, None]
        if tied:
            concentrations = [estimate_concentration(lengths.sum() / len(unit), width)] * 2
        else:
            concentrations = [
                estimate_concentration(length / total, width)
                for length, total in zip(lengths, weights.sum(1).clip(1e-9), strict=True)
            ]
        constants = [log_normaliser(each, width) for each in concentrations] + np.log(weights.mean(1).clip(1e-9))
        joint = constants + (unit @ means.T) * concentrations
        both = np.logaddexp(*joint.T)
        share = np.exp(joint[:, 1] - both)
    return torch.from_numpy(share).float(), float(both.mean() - alone)
