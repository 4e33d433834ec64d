"""TruFor's decoder and its detector."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from peer_trufor import pooled
from torch import nn
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.models import TruForDetector, TruForHead
from focal_mmseg.models.decode_heads.trufor_detector import weighted_pool

WIDTHS = (4, 6, 8, 10)
SIZES = ((9, 14), (5, 7), (3, 4), (2, 2))


def head(**options: object) -> TruForHead:
    torch.manual_seed(0)
    made = TruForHead(WIDTHS, channels=5, **options)
    for norm in made.modules():
        if isinstance(norm, nn.BatchNorm2d):
            for value in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
                nn.init.uniform_(value, 0.5, 1.5)
    return made


def levels() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(2, width, *size, generator=generator) for width, size in zip(WIDTHS, SIZES, strict=True)]


@pytest.mark.parametrize('training', [False, True])
def test_levels_are_concatenated_with_the_coarsest_first(training: bool) -> None:
    made = head(dropout_ratio=0).train(training)
    parts = [
        F.interpolate(projection(level), SIZES[0], mode='bilinear', align_corners=False)
        for level, projection in zip(levels(), made.projections, strict=True)
    ]
    wanted = made.conv_seg(made.norm(made.fuse(torch.cat(parts[::-1], 1))).relu())
    torch.testing.assert_close(made(levels()), wanted, rtol=1e-4, atol=1e-5)


def test_eps_and_channels_are_options() -> None:
    assert head().norm.eps == 1e-3
    assert head(norm_cfg=dict(type='BN', eps=1e-5)).norm.eps == 1e-5
    assert head().fuse.bias is not None
    assert head(out_channels=1).eval()(levels()).shape == (2, 1, *SIZES[0])


def test_the_detector_pools_confidence_and_confident_logits() -> None:
    torch.manual_seed(0)
    detector = TruForDetector().eval()
    seg_logits, confidence = 3 * torch.randn(2, 2, 7, 5), 2 * torch.randn(2, 1, 7, 5)
    for number, found in enumerate(detector(seg_logits, confidence)):
        sure = confidence[number].flatten().double()
        difference = (seg_logits[number, 1] - seg_logits[number, 0]).flatten().double()
        eight = torch.stack([*pooled(sure, torch.ones_like(sure)), *pooled(difference, sure.sigmoid())]).float()
        hidden = (detector.layers[0].weight @ eight + detector.layers[0].bias).relu()
        wanted = detector.layers[3].weight @ hidden + detector.layers[3].bias
        torch.testing.assert_close(found[None], wanted, rtol=1e-4, atol=1e-5)


@given(
    values=st.lists(st.floats(-500, 500, width=32), min_size=1, max_size=30),
    shift=st.floats(-50, 50, width=32),
    seed=st.integers(0, 99),
)
def test_pools_lie_in_order_and_weights_need_no_norm(values: list[float], shift: float, seed: int) -> None:
    row = torch.tensor([values], dtype=torch.float64)
    weights = torch.randn(row.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    low, high, mean, square = (float(each) for each in weighted_pool(row, weights))
    assert low <= mean + 1e-6 and mean <= high + 1e-6
    assert square >= mean**2 - 1e-6 * max(1, square)
    least = float(weights.log_softmax(1).min())
    assert min(values) - 1e-6 <= low <= min(values) - least + 1e-6
    assert max(values) + least - 1e-6 <= high <= max(values) + 1e-6
    again = [float(each) for each in weighted_pool(row, weights + shift)]
    assert all(
        math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-6) for a, b in zip((low, high, mean, square), again, strict=True)
    )


def test_the_detector_stays_finite_in_half_precision() -> None:
    detector = TruForDetector().eval()
    seg_logits, confidence = torch.full((1, 2, 300, 300), 60.0), torch.full((1, 1, 300, 300), -60.0)
    seg_logits[:, 0] *= -1
    with torch.autocast('cpu', torch.bfloat16):
        found = detector(seg_logits, confidence)
    assert found.dtype == torch.float32 and found.isfinite().all()
