"""Tools that are run by other tools."""

import importlib
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch


@pytest.fixture
def running(root: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(root / 'tools'))
    return importlib.import_module('running')


@pytest.fixture
def begin(running: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Runs a training that is killed after a checkpoint, or before; the arguments that it was given."""
    (tmp_path / 'config.py').write_text('a = 1')
    folder = tmp_path / 'train'

    def run(tool: str = 'train.py', leaves: str | None = None) -> list[str]:
        given = []

        def killed(log: Path, name: str, *arguments: str, **_: object) -> None:
            given.extend(map(str, arguments))
            if leaves:
                torch.save(dict(optimizer={}), folder / leaves)
            raise RuntimeError(f'{name} was killed')

        monkeypatch.setattr(running, 'run_tool', killed)
        with pytest.raises(RuntimeError, match='was killed'):
            running.Step(tool, folder, str(tmp_path / 'config.py')).run()
        return given

    return run


def test_a_training_goes_on_from_its_own_checkpoint(begin: Callable) -> None:
    assert '--resume' not in begin()
    assert '--resume' not in begin(leaves='iter_2.pth')
    assert '--resume' in begin()


def test_a_checkpoint_without_its_end_is_not_gone_on_from(begin: Callable, tmp_path: Path) -> None:
    begin(leaves='iter_2.pth')
    whole = (tmp_path / 'train' / 'iter_2.pth').read_bytes()
    (tmp_path / 'train' / 'iter_2.pth').write_bytes(whole[: len(whole) // 2])
    assert '--resume' not in begin()


def test_a_checkpoint_of_another_config_is_not_gone_on_from(begin: Callable, tmp_path: Path) -> None:
    begin(leaves='iter_9.pth')
    (tmp_path / 'config.py').write_text('a = 2')
    os.utime(tmp_path / 'train' / 'iter_9.pth', (0, 0))
    assert '--resume' not in begin()
    assert '--resume' not in begin()
    assert '--resume' not in begin(leaves='iter_2.pth')


def test_a_test_is_done_anew(begin: Callable) -> None:
    begin('test.py', leaves='iter_2.pth')
    assert '--resume' not in begin('test.py')


def test_a_config_that_is_edited_meanwhile_has_changed(
    running: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / 'config.py'
    config.write_text('a = 1')
    step = running.Step('test.py', tmp_path / 'test', str(config))
    monkeypatch.setattr(running, 'run_tool', lambda *_, **__: config.write_text('a = 2'))
    step.run()
    assert not step.is_done
    monkeypatch.setattr(running, 'run_tool', lambda *_, **__: None)
    step.run()
    assert step.is_done


def test_a_step_whose_config_is_broken_is_not_done_and_says_so(running: ModuleType, tmp_path: Path) -> None:
    (tmp_path / 'done.json').write_text('{}')
    (tmp_path / 'config.py').write_text('a = (')
    for config in ('config.py', 'gone.py'):
        step = running.Step('test.py', tmp_path, str(tmp_path / config))
        assert not step.is_done
        with pytest.raises(ValueError, match=rf'{config} cannot be read'):
            step.run()
