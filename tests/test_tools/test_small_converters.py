"""Small checkpoints to hand out, and weights of a package in timm's names."""

from collections.abc import Callable
from pathlib import Path

import pytest
import timm
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.registry import MODELS

from focal_mmseg.engine.checkpoint import load_weights, read_checkpoint, require_fit

LITE = 'tf_efficientnet_lite0'


def converter(root: Path, name: str) -> Path:
    return root / 'tools' / 'model_converters' / f'{name}.py'


def test_a_published_checkpoint_is_smaller_and_loads(
    root: Path, run_tool: Callable, trained: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    out = tmp_path / 'small.pth'
    run_tool(converter(root, 'publish_model'), trained[1], out)
    found, expected = load_weights(out), load_weights(trained[1])
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert found[name].dtype == (torch.float16 if value.is_floating_point() else value.dtype)
        torch.testing.assert_close(found[name].float(), value.float(), rtol=1e-3, atol=1e-6)
    whole = torch.load(out, weights_only=True)
    assert set(whole) == {'state_dict', 'meta'} and whole['meta']['dataset_meta']['classes'] == ('pristine', 'forged')
    assert out.stat().st_size < 0.6 * trained[1].stat().st_size
    assert f'{len(expected)} entries' in capsys.readouterr().out
    model = MODELS.build(Config.fromfile(trained[0]).model)
    require_fit(model, found, str(out))
    model.load_state_dict(found)
    assert next(model.parameters()).dtype == torch.float32


def test_the_averaged_weights_are_published(root: Path, run_tool: Callable, small_config, tmp_path: Path) -> None:
    cfg = small_config(
        root / 'configs' / 'demo' / 'focal_hrnet-compact.py',
        **{'default_hooks.checkpoint.interval': 1, 'train_cfg.max_iters': 2},
    )
    cfg.custom_hooks.append(dict(type='EMAHook', ema_type='ExponentialMovingAverage', momentum=0.1))
    Runner.from_cfg(cfg).train()
    checkpoint = tmp_path / 'work' / 'iter_2.pth'
    run_tool(converter(root, 'publish_model'), checkpoint, tmp_path / 'small.pth')
    # mmengine writes the average as state_dict, and the last step's weights beside it.
    whole = read_checkpoint(checkpoint)
    name = next(name for name, value in whole['state_dict'].items() if value.dim() == 4)
    average, last = whole['state_dict'][name], whole['ema_state_dict'][f'module.{name}']
    assert not torch.equal(average, last)
    assert torch.equal(torch.load(tmp_path / 'small.pth', weights_only=True)['state_dict'][name], average.half())


def test_the_mean_of_several_checkpoints_is_published(root: Path, run_tool: Callable, tmp_path: Path) -> None:
    paths = [tmp_path / 'first.pth', tmp_path / 'second.pth']
    for path, value in zip(paths, (1.0, 2.0), strict=True):
        torch.save(dict(state_dict={'a': torch.full((2,), value), 'seen': torch.tensor(int(value))}), path)
    run_tool(converter(root, 'publish_model'), *paths, tmp_path / 'mean.pth')
    found = load_weights(tmp_path / 'mean.pth')
    assert found['a'].tolist() == [1.5, 1.5] and found['seen'] == 2
    torch.save(dict(state_dict={'a': torch.ones(3), 'seen': torch.tensor(3)}), paths[1])
    with pytest.raises(ValueError, match=r'second\.pth is of another network than .*first\.pth'):
        run_tool(converter(root, 'publish_model'), *paths, tmp_path / 'mean.pth')


def test_what_half_precision_cannot_hold_is_refused(root: Path, run_tool: Callable, tmp_path: Path) -> None:
    torch.save(dict(state_dict={'a': torch.ones(2), 'b': torch.tensor([1.0, 7e4])}), tmp_path / 'in.pth')
    with pytest.raises(ValueError, match=r'b of .*in\.pth does not fit into half precision'):
        run_tool(converter(root, 'publish_model'), tmp_path / 'in.pth', tmp_path / 'out.pth')
    assert not (tmp_path / 'out.pth').exists()


@pytest.fixture(scope='module')
def packaged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """timm's entries in their order, under other names."""
    torch.manual_seed(0)
    state = timm.create_model(LITE).state_dict()
    path = tmp_path_factory.mktemp('packaged') / 'lite0.pth'
    torch.save({f'_other.{number}': value for number, value in enumerate(state.values())}, path)
    return path, state


def test_weights_of_the_package_get_timms_names(
    root: Path, run_tool: Callable, packaged: tuple[Path, dict], tmp_path: Path
) -> None:
    path, expected = packaged
    run_tool(converter(root, 'efficientnet_lite2timm'), path, tmp_path / 'out.pth')
    found = torch.load(tmp_path / 'out.pth', weights_only=True)
    assert list(found) == list(expected)
    assert all(torch.equal(found[name], value) for name, value in expected.items())
    backbone = MODELS.build(
        dict(type='TIMMFeatures', model_name=LITE, out_indices=(1, 2, 3), checkpoint_path=str(tmp_path / 'out.pth'))
    )
    backbone.init_weights()
    assert torch.equal(backbone.network.conv_stem.weight, expected['conv_stem.weight'])


@pytest.mark.parametrize(
    ('model', 'says'),
    [
        ('tf_efficientnet_lite1', r'_other\.\d+ is of shape|has \d+ entries, tf_efficientnet_lite1 of timm has \d+'),
        ('tf_efficientnet_b0', r'has \d+ entries, tf_efficientnet_b0 of timm has \d+'),
    ],
)
def test_weights_of_another_network_are_refused(
    root: Path, run_tool: Callable, packaged: tuple[Path, dict], tmp_path: Path, model: str, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        run_tool(converter(root, 'efficientnet_lite2timm'), packaged[0], tmp_path / 'out.pth', '--model', model)
    assert not (tmp_path / 'out.pth').exists()
