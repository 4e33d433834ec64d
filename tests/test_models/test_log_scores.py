"""Scores as two channels."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.models.log_scores import log_scores, logit_to_log_scores


@given(st.floats(0, 1, width=32))
def test_the_softmax_of_the_channels_is_the_probability(probability: float) -> None:
    channels = log_scores(torch.full((1, 1, 1, 1), probability))
    assert channels.shape == (1, 2, 1, 1) and bool(channels.isfinite().all())
    assert float(channels.softmax(1)[0, 1]) == pytest.approx(probability, abs=3e-7)


@given(st.floats(0, 1, width=32))
def test_exactly_what_is_above_one_half_is_forged(probability: float) -> None:
    assert bool(log_scores(torch.tensor([probability]), 0).argmax()) == (probability > 0.5)


@given(st.floats(-80, 80, width=32), st.integers(0, 1))
def test_of_a_logit_softmax_is_sigmoid_and_cross_entropy_the_binary_one(logit: float, label: int) -> None:
    value = torch.full((1, 1, 1, 1), logit)
    channels = logit_to_log_scores(value)
    torch.testing.assert_close(channels.softmax(1)[:, 1:], value.sigmoid())
    binary = F.binary_cross_entropy_with_logits(value, torch.full_like(value, label))
    torch.testing.assert_close(F.cross_entropy(channels, torch.full((1, 1, 1), label)), binary, atol=1e-6, rtol=1e-5)
