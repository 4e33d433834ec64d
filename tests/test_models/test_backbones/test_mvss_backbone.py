"""MVSS-Net's Bayar convolution."""

import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.models.backbones.mvss_backbone import BayarConv


def filters(kernel: torch.Tensor) -> torch.Tensor:
    """Written out: 12 weights, -1, 12 weights, the 24 adding up to 1."""
    found = torch.empty(3, 1, 5, 5)
    for output, row in enumerate((kernel[0] / kernel[0].sum(1, keepdim=True)).tolist()):
        found[output, 0] = torch.tensor([*row[:12], -1.0, *row[12:]]).view(5, 5)
    return found


def test_the_weights_around_the_middle_predict_it() -> None:
    conv, image = BayarConv(3).eval(), torch.rand(2, 1, 9, 11)
    kept = conv.kernel.detach().clone()
    torch.testing.assert_close(conv(image), F.conv2d(image, filters(kept), padding=2))
    # A flat image is predicted without error, and a test changes no weight.
    assert float(conv(torch.ones(1, 1, 9, 9))[..., 2:-2, 2:-2].abs().max()) < 1e-5
    assert torch.equal(conv.kernel, kept)


def test_a_training_brings_the_parameter_itself_to_the_sum_one() -> None:
    conv, image = BayarConv(3).train(), torch.rand(2, 1, 9, 11)
    wanted = filters(conv.kernel.detach())
    result = conv(image)
    torch.testing.assert_close(conv.kernel.sum(-1), torch.ones(1, 3))
    torch.testing.assert_close(result, F.conv2d(image, wanted, padding=2))
    # No gradient flows through the division: it is that of the filters' entries.
    result.square().sum().backward()
    wanted.requires_grad_()
    F.conv2d(image, wanted, padding=2).square().sum().backward()
    expected = wanted.grad.view(3, 25)[:, [*range(12), *range(13, 25)]]
    torch.testing.assert_close(conv.kernel.grad[0], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('outputs', [1, 5])
def test_any_number_of_outputs(outputs: int) -> None:
    assert BayarConv(outputs)(torch.rand(1, 1, 6, 6)).shape == (1, outputs, 6, 6)
