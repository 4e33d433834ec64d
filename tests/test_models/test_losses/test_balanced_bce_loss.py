"""The balanced cross-entropy, against loops and at its edges."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from focal_mmseg.models import BalancedBCELoss


def by_loops(logits: torch.Tensor, target: torch.Tensor) -> float:
    """Every counted pixel by itself."""
    pairs = [(x, int(y)) for x, y in zip(logits.flatten().tolist(), target.flatten().tolist(), strict=True) if y != 255]
    forged = sum(y for _, y in pairs) / len(pairs)
    total = 0.0
    for x, y in pairs:
        weight = 1 if forged == 0 else 0.5 / (forged if y else 1 - forged)
        p = 1 / (1 + math.exp(-x))
        total -= weight * math.log(p if y else 1 - p)
    return total / len(pairs)


@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.floats(0, 0.9))
def test_is_the_sum_by_loops(seed: int, forged: float, ignored: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(2, 4, 5, generator=generator, dtype=torch.float64)
    target = (torch.rand(2, 4, 5, generator=generator) < forged).long()
    target[torch.rand(2, 4, 5, generator=generator) < ignored] = 255
    target[0, 0, 0] = 0
    found = BalancedBCELoss(loss_weight=2.0)(logits, target).item()
    assert found == pytest.approx(2 * by_loops(logits, target), rel=1e-6)


@pytest.mark.parametrize('value', [0, 1, 255])
def test_one_class_alone_and_none_give_a_finite_gradient(value: int) -> None:
    logits = torch.randn(1, 3, 3, requires_grad=True)
    loss = BalancedBCELoss()(logits, torch.full((1, 3, 3), value))
    loss.backward()
    assert loss.isfinite() and logits.grad.isfinite().all()
    assert bool(logits.grad.any()) == (value != 255)
    # All forged: one half of the plain cross-entropy, for the other half of the weight has no pixel.
    plain = torch.nn.functional.binary_cross_entropy_with_logits(logits, torch.full((1, 3, 3), float(value == 1)))
    assert loss.item() == pytest.approx({0: 1, 1: 0.5, 255: 0}[value] * plain.item())


def test_the_name_must_be_trained_on() -> None:
    assert BalancedBCELoss().loss_name == 'loss_mask'
    with pytest.raises(ValueError, match='loss_name must contain "loss"'):
        BalancedBCELoss(loss_name='mask')
