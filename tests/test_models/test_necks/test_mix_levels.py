import pytest
import torch
from mmseg.registry import MODELS
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.models import MixLevels


def make(**options: object) -> MixLevels:
    torch.manual_seed(0)
    options = dict(in_channels=[3, 4, 5, 6], level_channels=8, out_channels=10) | options
    return MODELS.build(dict(type='MixLevels', **options)).eval()


def maps(size: tuple[int, int] = (6, 10)) -> list[Tensor]:
    """At twice the resolution, the same, half of it, and the same."""
    torch.manual_seed(1)
    height, width = size
    sizes = [(2 * height, 2 * width), size, (-(-height // 2), -(-width // 2)), size]
    return [torch.randn(2, channels, *each) for channels, each in zip((3, 4, 5, 6), sizes, strict=True)]


@pytest.mark.parametrize('size', [(6, 10), (5, 7), (1, 1), (1, 9)])
@pytest.mark.parametrize('index', [-1, 0, 2])
def test_the_map_has_the_resolution_of_the_one_at_index(size: tuple[int, int], index: int) -> None:
    inputs = maps(size)
    (found,) = make(index=index)(inputs)
    assert found.shape == (2, 10, *inputs[index].shape[2:])


def test_larger_maps_are_averaged_smaller_ones_interpolated() -> None:
    neck, inputs = make(num_convs=0), maps()
    (found,) = neck(inputs)
    fine, same, coarse, last = (level(each) for level, each in zip(neck.levels, inputs, strict=True))
    assert found.shape == (2, 32, 6, 10)
    torch.testing.assert_close(found[:, :8], F.avg_pool2d(fine, 2))
    torch.testing.assert_close(found[:, 8:16], same)
    torch.testing.assert_close(found[:, 16:24], F.interpolate(coarse, (6, 10), mode='bilinear', align_corners=False))
    torch.testing.assert_close(found[:, 24:], last)


def test_every_parameter_learns() -> None:
    neck = make()
    neck.train()
    (found,) = neck(maps())
    (found * torch.randn_like(found)).sum().backward()
    for name, parameter in neck.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name


def test_another_number_of_maps_is_refused() -> None:
    with pytest.raises(ValueError, match='made for 4 maps, got 3: check in_channels'):
        make()(maps()[:3])
