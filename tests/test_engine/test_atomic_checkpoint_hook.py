"""Checkpoints that take the place of others, and the log's history in them."""

import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.fileio import LocalBackend
from mmengine.logging import HistoryBuffer, MessageHub
from mmengine.runner import save_checkpoint

from focal_mmseg.engine import AtomicCheckpointHook
from focal_mmseg.engine.hooks.atomic_checkpoint_hook import AtomicBackend, as_log, as_plain_log


class Killed(BaseException):
    """In place of a signal."""


class Saving(SimpleNamespace):
    """What the hook asks of a runner."""

    def save_checkpoint(self, out_dir: str, filename: str, *_: object, backend_args: dict, **__: object) -> None:
        save_checkpoint(dict(iter=self.iter), str(Path(out_dir) / filename), backend_args=backend_args)


@pytest.fixture
def step(tmp_path: Path) -> Callable[[float], None]:
    """Trains one step further, with a validation that finds so much."""
    logger = SimpleNamespace(info=print, warning=print)
    hub = MessageHub.get_instance(f'hub {tmp_path}')
    runner = Saving(work_dir=str(tmp_path), iter=0, epoch=0, message_hub=hub, logger=logger, cfg={})
    hook = AtomicCheckpointHook(interval=1, by_epoch=False, max_keep_ckpts=1, save_best='iou', rule='greater')
    hook.before_train(runner)

    def go(score: float, figure: str = 'iou') -> None:
        hook._save_checkpoint(runner)
        runner.iter += 1
        hook.after_val_epoch(runner, {figure: score})

    return go


def test_a_figure_that_a_validation_does_not_define_is_told_of(
    step: Callable, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    step(0.3)
    step(None)
    assert 'does not define' not in capsys.readouterr().out
    hook = AtomicCheckpointHook(save_best=['found', 'iou'], rule='greater')
    hub = MessageHub.get_instance(f'other hub {tmp_path}')
    logger = SimpleNamespace(info=print, warning=print)
    runner = Saving(work_dir=str(tmp_path), iter=3, epoch=0, message_hub=hub, logger=logger, cfg={})
    runner.train_dataloader = [0]
    hook.before_train(runner)
    hook.after_val_epoch(runner, dict(iou=0.4))
    assert 'this validation does not define found' in capsys.readouterr().out
    assert names(tmp_path) == ['best_iou_epoch_0.pth', 'best_iou_iter_1.pth', 'iter_2.pth']


@pytest.mark.parametrize(('by_epoch', 'name'), [(True, 'epoch_{}.pth'), (False, 'iter_{}.pth')])
@pytest.mark.parametrize('given', [None, 'mine-{}.pth'])
def test_without_a_unit_of_its_own_it_follows_the_training(
    by_epoch: bool, name: str, given: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('focal_mmseg.engine.hooks.atomic_checkpoint_hook.counts_epochs', lambda loop: by_epoch)
    hub = MessageHub.get_instance(f'unit hub {tmp_path}')
    logger = SimpleNamespace(info=print, warning=print)
    runner = Saving(work_dir=str(tmp_path), message_hub=hub, logger=logger, cfg={}, _train_loop=None)
    runner.train_dataloader = [0] * 6
    hook = AtomicCheckpointHook(interval=4000, by_epoch=None, epoch_interval=3, filename_tmpl=given)
    hook.before_train(runner)
    assert (hook.by_epoch, hook.interval, hook.filename_tmpl) == (by_epoch, 3 if by_epoch else 4000, given or name)


def test_epochs_that_end_between_gathered_gradients_are_told_of(tmp_path: Path) -> None:
    hub = MessageHub.get_instance(f'gathering hub {tmp_path}')
    logger = SimpleNamespace(info=print, warning=print)
    cfg = dict(optim_wrapper=dict(accumulative_counts=4))
    runner = Saving(work_dir=str(tmp_path), message_hub=hub, logger=logger, cfg=cfg, train_dataloader=[0] * 6)
    with pytest.warns(UserWarning, match='interval=1 epochs, 6 steps, are no multiple of .*accumulative_counts=4'):
        AtomicCheckpointHook(interval=1).before_train(runner)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob('[!.]*.pth'))


def test_only_the_last_and_the_best_stay(step: Callable, tmp_path: Path) -> None:
    step(0.1)
    step(0.3)
    assert names(tmp_path) == ['best_iou_iter_2.pth', 'iter_2.pth']
    step(0.2)
    assert names(tmp_path) == ['best_iou_iter_2.pth', 'iter_3.pth']


def test_a_validation_without_the_figure_keeps_the_best_one_and_says_so(
    step: Callable, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    step(0.1)
    step(0.9, figure='auc')
    assert names(tmp_path) == ['best_iou_iter_1.pth', 'iter_2.pth']
    assert 'this validation does not define iou' in capsys.readouterr().out


@pytest.mark.parametrize('writing', ['best_iou_iter_2.pth', 'iter_2.pth'])
def test_what_is_replaced_stays_until_its_successor_is_whole(
    step: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writing: str
) -> None:
    step(0.1)
    whole, put, targets = AtomicBackend.put, LocalBackend.put, []

    def noting(self: AtomicBackend, obj: bytes, filepath: str | Path) -> None:
        targets.append(Path(filepath).name)
        whole(self, obj, filepath)

    def half(self: LocalBackend, obj: bytes, filepath: str | Path) -> None:
        put(self, obj[: len(obj) // 2], filepath)
        if targets[-1] == writing:
            raise Killed
        put(self, obj, filepath)

    monkeypatch.setattr(AtomicBackend, 'put', noting)
    monkeypatch.setattr(LocalBackend, 'put', half)
    with pytest.raises(Killed):
        step(0.3)
    assert names(tmp_path) == ['best_iou_iter_1.pth', 'iter_1.pth' if writing == 'iter_2.pth' else 'iter_2.pth']
    assert all('iter' in torch.load(tmp_path / name) for name in names(tmp_path))


def test_the_history_comes_back_from_a_file_of_weights_alone() -> None:
    hub = MessageHub('history')
    for value in (1.0, 0.5, 0.25):
        hub.update_scalar('train/loss', value, count=2)
    hub.update_info('best_score', np.float32(0.5))
    hub.update_info('keep_ckpt_ids', [1, 2])
    file = io.BytesIO()
    torch.save(as_plain_log(hub.state_dict()), file)
    file.seek(0)
    found = MessageHub('found')
    found.load_state_dict(as_log(torch.load(file, weights_only=True)))
    for one, other in zip(found.get_scalar('train/loss').data, hub.get_scalar('train/loss').data, strict=True):
        np.testing.assert_array_equal(one, other)
    assert found.get_info('best_score') == 0.5 and found.get_info('keep_ckpt_ids') == [1, 2]


def test_what_mmengine_wrote_stays_as_it_is() -> None:
    history = HistoryBuffer([1.0], [1])
    state = dict(log_scalars=dict(loss=history), runtime_info={}, resumed_keys={})
    assert as_log(state)['log_scalars']['loss'] is history
