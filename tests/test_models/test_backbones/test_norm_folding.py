"""Folded batch norms give what the network gives, and what cannot be folded is left."""

import copy

import pytest
import timm
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from focal_mmseg.models.backbones.norm_folding import FoldedNetwork, fold_norms


def network(name: str) -> nn.Module:
    """With statistics as after a training."""
    torch.manual_seed(0)
    made = timm.create_model(name, features_only=True, out_indices=(1, 2), pretrained=False)
    for module in made.modules():
        if isinstance(module, _BatchNorm):
            nn.init.uniform_(module.running_mean, -0.3, 0.3)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    return made.eval()


def norms(model: nn.Module) -> int:
    return sum(isinstance(module, _BatchNorm) for module in model.modules())


@pytest.mark.parametrize('name', ['tf_efficientnet_lite0', 'resnet18', 'mobilenetv3_small_050', 'regnety_002'])
def test_the_maps_stay_and_the_norms_go(name: str) -> None:
    plain = network(name)
    before = copy.deepcopy(plain.state_dict())
    folded = fold_norms(plain)
    assert norms(folded) == 0 < norms(plain)
    x = torch.randn(2, 3, 96, 64)
    with torch.no_grad():
        for found, wanted in zip(folded(x), plain(x), strict=True):
            torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-4)
    assert all(torch.equal(value, before[key]) for key, value in plain.state_dict().items())


class NormElsewhere(nn.Module):
    """A norm that is defined behind a convolution and applied before it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.norm = nn.BatchNorm2d(3)
        nn.init.uniform_(self.norm.running_mean, 1, 2)

    def forward(self, x: Tensor) -> list[Tensor]:
        return [self.conv(self.norm(x))]


def test_a_network_of_another_order_is_left_as_it_is() -> None:
    plain = NormElsewhere().eval()
    assert fold_norms(plain) is plain


def test_entries_that_change_are_folded_anew() -> None:
    plain = network('resnet18')
    folded = FoldedNetwork(plain)
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        first = folded(x)[0]
        plain.load_state_dict({key: value * 1.1 for key, value in plain.state_dict().items()})
        second, wanted = folded(x)[0], plain(x)[0]
    assert not torch.allclose(first, second, atol=1e-3)
    torch.testing.assert_close(second, wanted, atol=1e-4, rtol=1e-4)
