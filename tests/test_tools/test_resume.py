"""Trainings that are killed and go on."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from focal_mmseg.engine.checkpoint import read_checkpoint
from focal_mmseg.engine.resuming import whole_checkpoint

# Kills its own process, so that the moment is the same each time.
KILLER = """
import os
import signal

import mmengine.fileio
from mmengine.hooks import Hook
from mmseg.registry import HOOKS


def die():
    os.kill(os.getpid(), signal.SIGKILL)


@HOOKS.register_module()
class Killer(Hook):
    def __init__(self, step=None, writing=None):
        self.step, self.writing = step, writing

    def before_train(self, runner):
        if self.writing is None:
            return
        from mmengine.fileio.backends import LocalBackend

        put = LocalBackend.put

        def half(backend, content, path):
            if str(path).endswith(self.writing):
                with open(path, 'wb') as file:
                    file.write(content[: len(content) // 2])
                die()
            put(backend, content, path)

        LocalBackend.put = half

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if self.writing is None and batch_idx + 1 == self.step:
            die()
"""


@pytest.fixture
def train(
    root: Path, small_config: Callable[..., Config], tmp_path: Path
) -> Callable[..., subprocess.CompletedProcess]:
    """Trains five steps in a process of its own: dropout, sampled pixels, flips in a worker, validations between."""
    (tmp_path / 'killer.py').write_text(KILLER)
    cfg = small_config(root / 'configs' / 'focal_mit.py')
    cfg.model = Config.fromfile(root / 'configs' / 'demo' / 'focal_mit-compact.py').model
    cfg.model.backbone.drop_path_rate = 0.3
    cfg.model.data_preprocessor.size = (128, 128)
    cfg.model.decode_head.loss_decode.max_pixels = 50
    cfg.train_cfg.update(max_iters=5, val_interval=2)
    cfg.default_hooks.checkpoint.interval = 2
    cfg.train_dataloader.update(num_workers=1, persistent_workers=True)
    cfg.val_dataloader.dataset.indices = 1

    def run(folder: str, *arguments: str, **killed: object) -> subprocess.CompletedProcess:
        own = Config(cfg.to_dict())
        if killed:
            own.custom_imports.imports.append('killer')
            own.custom_hooks.append(dict(type='Killer', **killed))
        own.dump(tmp_path / f'{folder}.py')
        path = os.pathsep.join([str(tmp_path), str(root)])
        return subprocess.run(
            [
                sys.executable,
                root / 'tools/train.py',
                tmp_path / f'{folder}.py',
                '--work-dir',
                tmp_path / folder,
                *arguments,
            ],
            capture_output=True,
            text=True,
            env=os.environ | dict(PYTHONPATH=path, OMP_NUM_THREADS='1'),
        )

    return run


@pytest.fixture
def uninterrupted(train: Callable, tmp_path: Path) -> dict:
    """The last checkpoint of a training that nobody killed."""
    assert train('whole').returncode == 0
    return read_checkpoint(tmp_path / 'whole' / 'iter_5.pth')


def assert_same(found: object, expected: object) -> None:
    """Equal to the last bit, with all that is inside."""
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for key, value in expected.items():
            assert_same(found[key], value)
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
    else:
        assert torch.equal(found, expected) if isinstance(expected, torch.Tensor) else found == expected


def assert_same_training(found: dict, expected: dict) -> None:
    for part in ('state_dict', 'optimizer', 'param_schedulers'):
        assert_same(found[part], expected[part])


def test_a_killed_training_goes_on_as_if_nothing_had_happened(
    train: Callable, uninterrupted: dict, tmp_path: Path
) -> None:
    # Between two checkpoints.
    assert train('between', step=3).returncode == -signal.SIGKILL
    assert sorted(path.name for path in (tmp_path / 'between').glob('iter_*.pth')) == ['iter_2.pth']
    done = train('between', '--resume')
    assert done.returncode == 0, done.stderr[-3000:]
    assert '- Iter(train) [2/5]' not in done.stdout and '- Iter(train) [3/5]' in done.stdout
    assert_same_training(read_checkpoint(tmp_path / 'between' / 'iter_5.pth'), uninterrupted)

    # While a checkpoint is written.
    assert train('writing', writing='iter_4.pth').returncode == -signal.SIGKILL
    done = train('writing', '--resume')
    assert done.returncode == 0, done.stderr[-3000:]
    assert 'passed over: the checkpoint' in done.stderr and 'iter_4.pth cannot be read' in done.stderr
    assert '- Iter(train) [3/5]' in done.stdout
    assert_same_training(read_checkpoint(tmp_path / 'writing' / 'iter_5.pth'), uninterrupted)


def test_resume_starts_anew_where_there_is_nothing_and_refuses_what_nothing_can_be_made_of(
    train: Callable, tmp_path: Path
) -> None:
    (tmp_path / 'broken').mkdir()
    (tmp_path / 'broken' / 'iter_4.pth').write_bytes(b'PK')
    done = train('broken', '--resume')
    assert done.returncode != 0 and 'can be gone on from; without --resume it starts anew' in done.stderr
    assert whole_checkpoint(tmp_path / 'nothing') == (None, [])


def test_the_latest_is_the_highest_number_not_the_last_name(tmp_path: Path) -> None:
    for name in ('iter_900.pth', 'iter_1000.pth', 'best_forgery_iou_iter_2000.pth'):
        torch.save(dict(state_dict={}, optimizer={}), tmp_path / name)
    torch.save(dict(state_dict={}), tmp_path / 'iter_3000.pth')
    found, passed = whole_checkpoint(tmp_path)
    assert found == tmp_path / 'iter_1000.pth'
    assert len(passed) == 1 and 'iter_3000.pth has no optimizer' in passed[0]
