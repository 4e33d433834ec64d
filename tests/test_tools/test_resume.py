"""Trainings that are killed and go on, through mmseg's shipped script and through ours."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from focal_mmseg.engine.checkpoint import read_checkpoint

OURS = Path('tools')
STOCK = Path(find_spec('mmseg').origin).parent / '.mim' / 'tools'

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
class Peak(Hook):
    # The validation at step 4 is the best, before anybody looks at it.

    priority = 'VERY_HIGH'

    def after_val_epoch(self, runner, metrics):
        metrics['forgery/iou'] = -abs(runner.iter - 4)


@HOOKS.register_module()
class Killer(Hook):
    def __init__(self, step=None, writing=None, validating=None):
        self.step, self.writing, self.validating = step, writing, validating

    def before_train(self, runner):
        if self.writing is None:
            return
        from mmengine.fileio.backends import LocalBackend
        from focal_mmseg.engine.hooks.atomic_checkpoint_hook import AtomicBackend

        atomic, put, targets = AtomicBackend.put, LocalBackend.put, []

        def noting(backend, content, path):
            targets.append(str(path))
            atomic(backend, content, path)

        def half(backend, content, path):
            if targets and targets[-1].endswith(self.writing):
                with open(path, 'wb') as file:
                    file.write(content[: len(content) // 2])
                die()
            put(backend, content, path)

        AtomicBackend.put, LocalBackend.put = noting, half

    def before_val_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == self.validating:
            die()

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if batch_idx + 1 == self.step:
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
    cfg.custom_imports.imports.append('killer')
    cfg.custom_hooks.append(dict(type='Peak'))

    def run(tools: Path, folder: str, *arguments: str, **killed: object) -> subprocess.CompletedProcess:
        own = Config(cfg.to_dict())
        if killed:
            own.custom_hooks.append(dict(type='Killer', **killed))
        own.dump(tmp_path / f'{folder}.py')
        path = os.pathsep.join([str(tmp_path), str(root)])
        return subprocess.run(
            [
                sys.executable,
                root / tools / 'train.py',
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
    """The last and the best checkpoint of a training that nobody killed."""
    done = train(OURS, 'whole')
    assert done.returncode == 0, done.stderr[-3000:]
    return checkpoints(tmp_path / 'whole')


def checkpoints(folder: Path) -> dict:
    (best,) = folder.glob('best_*.pth')
    assert best.name == 'best_forgery_iou_iter_4.pth'
    return dict(last=read_checkpoint(folder / 'iter_5.pth'), best=read_checkpoint(best))


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


def assert_same_training(folder: Path, expected: dict) -> None:
    found = checkpoints(folder)
    for part in ('state_dict', 'optimizer', 'param_schedulers'):
        assert_same(found['last'][part], expected['last'][part])
    assert_same(found['best']['state_dict'], expected['best']['state_dict'])


def newest_log(work_dir: Path) -> str:
    """What the last run wrote into its log file: the lines of steps are not on the screen."""
    return max(work_dir.glob('*/*.log'), key=lambda path: path.stat().st_mtime_ns).read_text()


def test_a_killed_training_goes_on_as_if_nothing_had_happened(
    train: Callable, uninterrupted: dict, tmp_path: Path
) -> None:
    # mmseg's script: while the first checkpoint is written, beside what an earlier training left; then between two.
    (tmp_path / 'early').mkdir()
    torch.save(dict(state_dict={}, optimizer={}), tmp_path / 'early' / 'iter_40000.pth')
    (tmp_path / 'early' / 'last_checkpoint').write_text(str(tmp_path / 'early' / 'iter_40000.pth'))
    assert train(STOCK, 'early', writing='iter_2.pth').returncode == -signal.SIGKILL
    done = train(STOCK, 'early', '--resume', step=3)
    assert done.returncode == -signal.SIGKILL
    assert 'passed over' in done.stdout and 'iter_40000.pth' in done.stdout and 'it starts anew' in done.stdout
    assert '- Iter(train) [1/5]' in newest_log(tmp_path / 'early')
    done = train(STOCK, 'early', '--resume')
    assert done.returncode == 0, done.stderr[-3000:]
    log = newest_log(tmp_path / 'early')
    assert '- Iter(train) [2/5]' not in log and '- Iter(train) [3/5]' in log
    assert_same_training(tmp_path / 'early', uninterrupted)
    # What is finished stays what it is.
    done = train(STOCK, 'early', '--resume')
    assert done.returncode == 0, done.stderr[-3000:]
    assert '- Iter(train)' not in newest_log(tmp_path / 'early')
    assert_same_training(tmp_path / 'early', uninterrupted)

    # Ours: while a later one is written; then in the validation that follows it.
    assert train(OURS, 'late', writing='iter_4.pth').returncode == -signal.SIGKILL
    assert not (tmp_path / 'late' / 'iter_4.pth').exists()
    assert train(OURS, 'late', '--resume', validating=4).returncode == -signal.SIGKILL
    assert (tmp_path / 'late' / 'iter_4.pth').exists()
    done = train(OURS, 'late', '--resume')
    assert done.returncode == 0, done.stderr[-3000:]
    log = newest_log(tmp_path / 'late')
    assert '- Iter(train) [4/5]' not in log and '- Iter(train) [5/5]' in log
    assert_same_training(tmp_path / 'late', uninterrupted)
