"""timm's convolutional networks as pyramids."""

import sys
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from mmseg.registry import MODELS
from torch import nn

from focal_mmseg.models import TIMMFeatures

NAME = 'tf_efficientnet_lite0'


def build(name: str = NAME, out_indices: tuple[int, ...] = (1, 2, 3), **options: Any) -> TIMMFeatures:
    torch.manual_seed(0)
    return MODELS.build(dict(type='TIMMFeatures', model_name=name, out_indices=out_indices, **options))


@pytest.fixture
def no_download(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: Any, **__: Any) -> None:
        raise OSError('no network here')

    monkeypatch.setattr('timm.models._builder.load_state_dict_from_hf', forbidden)
    monkeypatch.setattr('timm.models._builder.load_state_dict_from_url', forbidden)


@pytest.mark.parametrize('name', [NAME, 'resnet18', 'mobilenetv3_small_050'])
def test_the_maps_are_those_of_timms_whole_network(no_download, name: str) -> None:
    torch.manual_seed(0)
    whole = timm.create_model(name, features_only=True, out_indices=(1, 2, 3), pretrained=False).eval()
    ours = build(name).eval()
    state = whole.state_dict()
    ours.network.load_state_dict({key: state[key] for key in ours.network.state_dict()})
    x = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        for found, expected, channels, stride in zip(ours(x), whole(x), ours.channels, (4, 8, 16), strict=True):
            # Channels that lie beside each other are added up in another order.
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
            assert found.shape == (1, channels, 64 // stride, 96 // stride)


def test_what_lies_behind_the_last_map_is_cut_off() -> None:
    whole = timm.create_model(NAME, features_only=True, out_indices=(1, 2, 3), pretrained=False)
    sizes = [sum(each.numel() for each in model.parameters()) for model in (build(), whole)]
    assert sizes[0] < 0.5 * sizes[1]
    x = torch.randn(2, 3, 64, 64)
    network = build()
    sum(each.square().mean() for each in network(x)).backward()
    idle = [name for name, parameter in network.named_parameters() if parameter.grad is None]
    assert not idle


def test_nothing_is_downloaded_before_a_training_starts(no_download) -> None:
    backbone = build()
    with pytest.raises(RuntimeError, match=r'could not be downloaded: give a local file by checkpoint_path'):
        backbone.init_weights()
    build(pretrained=False).init_weights()


def test_a_local_file_of_the_whole_network_is_read_once(no_download, tmp_path: Path) -> None:
    state = timm.create_model(NAME, pretrained=False).state_dict()
    torch.save(state, tmp_path / 'lite0.pth')
    backbone = build(checkpoint_path=str(tmp_path / 'lite0.pth'))
    backbone.init_weights()
    own = backbone.network.state_dict()
    assert own and all(torch.equal(value, state[name]) for name, value in own.items())
    with torch.no_grad():
        backbone.network.conv_stem.weight.zero_()
    backbone.init_weights()
    assert not backbone.network.conv_stem.weight.any()


def test_a_file_of_another_network_is_refused(tmp_path: Path) -> None:
    state = timm.create_model(NAME, pretrained=False).state_dict()
    del state['blocks.1.0.conv_pw.weight']
    torch.save(state, tmp_path / 'a.pth')
    with pytest.raises(
        ValueError, match=rf'does not fit {NAME}: it lacks 1 of \d+ entries, the first is blocks.1.0.conv'
    ):
        build(checkpoint_path=str(tmp_path / 'a.pth')).init_weights()
    with pytest.raises(FileNotFoundError, match='nowhere'):
        build(checkpoint_path='nowhere.pth').init_weights()


def test_norms_keep_their_statistics_if_they_are_told_to() -> None:
    for norm_eval in (False, True):
        backbone = build(norm_eval=norm_eval).train()
        norms = [module for module in backbone.modules() if isinstance(module, nn.BatchNorm2d)]
        assert norms and all(norm.training != norm_eval for norm in norms)
        assert backbone.training


def test_a_missing_timm_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'timm', None)
    with pytest.raises(ImportError, match=r"needs timm: pip install '\.\[dino\]'"):
        build()
