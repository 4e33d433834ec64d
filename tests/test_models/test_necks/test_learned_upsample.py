import pytest
import torch
from mmseg.registry import MODELS
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.models import LearnedUpsample


def make(factor: int) -> LearnedUpsample:
    torch.manual_seed(0)
    return MODELS.build(dict(type='LearnedUpsample', in_channels=6, out_channels=4, factor=factor))


@pytest.mark.parametrize('factor', [1, 2, 4, 8])
@pytest.mark.parametrize('size', [(5, 3), (1, 7)])
def test_each_side_grows_by_the_factor(factor: int, size: tuple[int, int]) -> None:
    (found,) = make(factor)((torch.randn(2, 6, *size),))
    assert found.shape == (2, 4, factor * size[0], factor * size[1])


@pytest.mark.parametrize('factor', [1, 2, 4])
def test_it_is_not_affine(factor: int) -> None:
    neck = make(factor)
    one, other = torch.randn(2, 1, 6, 4, 4)
    middle, ends = neck(((one + other) / 2,))[0], (neck((one,))[0] + neck((other,))[0]) / 2
    assert (middle - ends).abs().max() > 0.05


def test_a_doubling_is_a_transposed_convolution_a_norm_of_each_point_and_gelu() -> None:
    neck, image = make(2), torch.randn(1, 6, 3, 2)
    convolution, norm, _ = neck.steps[0]
    with torch.no_grad():
        norm.weight.uniform_()
        norm.bias.uniform_()
        (found,) = neck((image,))
    for row in range(6):
        for column in range(4):
            kernel = convolution.weight[:, :, row % 2, column % 2]
            point = image[0, :, row // 2, column // 2] @ kernel + convolution.bias
            point = (point - point.mean()) / (point.var(correction=0) + 1e-5).sqrt()
            torch.testing.assert_close(found[0, :, row, column], F.gelu(point * norm.weight + norm.bias))


@pytest.mark.parametrize('factor', [1, 2, 4])
def test_every_parameter_learns(factor: int) -> None:
    neck = make(factor)
    (found,) = neck((torch.randn(2, 6, 3, 3),))
    (found * torch.randn_like(found)).sum().backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in neck.parameters())


@pytest.mark.parametrize('factor', [0, -2, 3, 6, 2.0, 0.5, None])
def test_a_factor_that_is_no_power_of_two_is_refused(factor: object) -> None:
    with pytest.raises(ValueError, match=rf'factor of LearnedUpsample must be a power of two.*got {factor}'):
        make(factor)


def test_several_maps_are_refused() -> None:
    with pytest.raises(ValueError, match='one map, got 2: name one block'):
        make(2)([torch.zeros(1, 6, 2, 2)] * 2)
