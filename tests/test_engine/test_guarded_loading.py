"""mmseg's own ways to load a checkpoint run no code from it."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner, load_checkpoint
from mmengine.runner.checkpoint import CheckpointLoader
from mmseg.apis import MMSegInferencer, init_model
from torch import nn

ADDRESS = 'https://example.invalid/evil.pth'


class MakesAFolder:
    """Unpickling it makes a folder: a stand-in for any command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.folder),)


@pytest.fixture
def evil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkpoint with a command in it, and no tool that set the guard of the whole process."""
    monkeypatch.delenv('TORCH_FORCE_WEIGHTS_ONLY_LOAD', raising=False)
    path = tmp_path / 'evil.pth'
    torch.save(dict(state_dict={}, meta=dict(cfg=MakesAFolder(tmp_path / 'trace'))), path)
    return path


@pytest.fixture
def small(root: Path, small_config: Callable[..., Config]) -> Config:
    """A config that names the plugin as users' configs do."""
    return small_config(root / 'configs' / 'demo' / 'focal_hrnet-compact.py')


def test_init_model_and_the_inferencer_refuse_a_pickle(evil: Path, small: Config, tmp_path: Path) -> None:
    small.dump(tmp_path / 'config.py')
    for load in (init_model, MMSegInferencer):
        with pytest.raises(ValueError, match=r'evil\.pth cannot be read.*pickled objects.*can run code'):
            load(str(tmp_path / 'config.py'), str(evil), device='cpu')
    assert not (tmp_path / 'trace').exists()
    torch.load(evil, weights_only=False)
    assert (tmp_path / 'trace').is_dir(), 'the trap itself does not work, or torch.load is not what it was'


@pytest.mark.parametrize('resume', [True, False])
def test_mmengines_runner_refuses_a_pickle(evil: Path, small: Config, tmp_path: Path, resume: bool) -> None:
    small.update(load_from=str(evil), resume=resume)
    with pytest.raises(ValueError, match=r'evil\.pth cannot be read.*pickled objects'):
        Runner.from_cfg(small).train()
    assert not (tmp_path / 'trace').exists()


def test_what_is_downloaded_is_refused_too(evil: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'hub'))
    monkeypatch.setattr(torch.hub, 'download_url_to_file', lambda url, target, *_, **__: shutil.copy(evil, target))
    with pytest.raises(ValueError, match=r'evil\.pth cannot be read.*pickled objects'):
        load_checkpoint(nn.Linear(1, 1), ADDRESS)
    assert not (tmp_path / 'trace').exists()
    assert 'TORCH_FORCE_WEIGHTS_ONLY_LOAD' not in os.environ
    weights = nn.Linear(1, 1).state_dict()
    torch.save(weights, evil)
    found = CheckpointLoader.load_checkpoint(ADDRESS.replace('evil', 'good'))
    assert torch.equal(found['weight'], weights['weight'])


def test_a_home_folder_is_found(evil: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save(nn.Linear(1, 1).state_dict(), evil)
    monkeypatch.setenv('HOME', str(evil.parent))
    assert set(CheckpointLoader.load_checkpoint('~/evil.pth')) == {'weight', 'bias'}
