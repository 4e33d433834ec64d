"""HRNet for images of any size, against a statement of its own and against mmseg's."""

from typing import Any

import pytest
import torch
from mmseg.models.backbones import HRNet
from mmseg.registry import MODELS
from peer_hrnet import hrnet
from torch import nn

from focal_mmseg.models import ExactSizeHRNet

SMALL = dict(
    stage1=dict(num_modules=1, num_branches=1, block='BOTTLENECK', num_blocks=(2,), num_channels=(8,)),
    stage2=dict(num_modules=1, num_branches=2, block='BASIC', num_blocks=(1, 2), num_channels=(4, 8)),
    stage3=dict(num_modules=2, num_branches=3, block='BASIC', num_blocks=(1, 1, 1), num_channels=(4, 8, 16)),
    stage4=dict(num_modules=2, num_branches=4, block='BASIC', num_blocks=(1, 1, 1, 2), num_channels=(4, 8, 16, 32)),
)


def build(**options: Any) -> ExactSizeHRNet:
    model = MODELS.build(dict(type='ExactSizeHRNet', extra=SMALL, **options)).double()
    fill(model)
    model.eval()
    return model


def fill(model: nn.Module) -> None:
    """Statistics and weights that keep the maps near one and let every detail tell."""
    generator = torch.Generator().manual_seed(0)
    for name, value in model.state_dict().items():
        random = torch.randn(value.shape, generator=generator, dtype=torch.float64)
        if value.ndim > 1:
            value.copy_(random / value[0].numel() ** 0.5)
        elif name.endswith(('running_var', 'weight')):
            value.copy_(random.abs() / 2 + 0.5)
        elif value.is_floating_point():
            value.copy_(random / 10)


def image(height: int, width: int) -> torch.Tensor:
    return torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize('size', [(64, 32), (61, 50), (9, 130), (1, 1)])
@pytest.mark.parametrize(
    ('strides', 'align_corners'), [((2, 2), False), ((1, 1), True), ((1, 1), False), ((2, 1), True)]
)
def test_is_its_own_statement_at_any_size(size: tuple[int, int], strides: tuple[int, int], align_corners: bool) -> None:
    model = build(stem_strides=strides, align_corners=align_corners)
    with torch.no_grad():
        found = model(image(*size))
        wanted = hrnet(image(*size), model.state_dict(), strides, align_corners)
    assert [each.shape[1] for each in found] == [4, 8, 16, 32]
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)
    assert size == (1, 1) or found[0].std() > 0.1


@pytest.mark.parametrize(('size', 'same'), [((64, 96), True), ((64, 100), False), ((52, 64), False)])
def test_is_mmsegs_where_all_sides_divide_and_there_alone(size: tuple[int, int], same: bool) -> None:
    exact, theirs = build(), HRNet(SMALL).double()
    theirs.load_state_dict(exact.state_dict(), strict=True)
    theirs.eval()
    with torch.no_grad():
        difference = max((a - b).abs().max() for a, b in zip(exact(image(*size)), theirs(image(*size)), strict=True))
    assert (difference < 1e-12) if same else (difference > 0.1)


def test_learns_in_every_parameter_with_and_without_checkpointing() -> None:
    gradients = []
    for with_cp in (False, True):
        torch.manual_seed(0)
        model = build(with_cp=with_cp)
        model.train()
        sum(each.square().mean() for each in model(image(33, 20).requires_grad_())).backward()
        gradients.append({name: value.grad for name, value in model.named_parameters()})
    assert all(value is not None for value in gradients[0].values())
    for name, value in gradients[0].items():
        torch.testing.assert_close(value, gradients[1][name])


def test_the_finest_map_alone() -> None:
    model = build(multiscale_output=False)
    with torch.no_grad():
        (found,) = model(image(40, 36))
        wanted = build()(image(40, 36))[0]
    assert found.shape == wanted.shape == (2, 4, 10, 9)


@pytest.mark.parametrize('strides', [(1,), (0, 1), (2.0, 2), (1, 1, 1)])
def test_other_strides_are_refused(strides: tuple) -> None:
    with pytest.raises(ValueError, match='stem_strides must be two whole numbers'):
        build(stem_strides=strides)
