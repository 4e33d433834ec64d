"""How far a training is, and how long it still takes."""

import os
import pty
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmengine.config import Config
from mmengine.logging import MessageHub

from focal_mmseg.engine import FOCALRunner, ProgressHook
from focal_mmseg.engine.hooks.progress_hook import TrainingPace, validations_left
from focal_mmseg.evaluation import ForgeryMetric
from focal_mmseg.utils.progress import IN_LOG


class Clock:
    """A time that goes on when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class ByIterations:
    """mmengine's loop of iterations, as far as it is asked."""

    def __init__(self, most: int, every: int, first: int) -> None:
        self.max_iters, self.val_interval, self.val_begin = most, every, first
        self.dataloader = range(1)


def is_due(done: int, most: int, every: int, first: int) -> bool:
    """When mmengine validates."""
    return done >= first and (done % every == 0 or done == most)


@given(st.integers(1, 60), st.integers(1, 25), st.integers(1, 70), st.data())
def test_the_validations_that_are_left_are_those_that_mmengine_runs(
    most: int, every: int, first: int, data: st.DataObject
) -> None:
    done = data.draw(st.integers(0, most))
    runner = SimpleNamespace(train_loop=ByIterations(most, every, first), val_loop=object(), max_iters=most)
    wanted = sum(is_due(each, most, every, first) for each in range(done + 1, most + 1))
    assert validations_left(runner, done) == wanted
    runner.val_loop = None
    assert validations_left(runner, done) == 0


@pytest.mark.parametrize('step', [0.05, 2.0, 20.0])
@pytest.mark.parametrize('validation', [0.0, 10.0, 400.0])
def test_the_time_left_is_right_within_a_factor_of_two(step: float, validation: float) -> None:
    """From the first validation on; before it nobody knows how long one takes."""
    clock, most, every = Clock(), 200, 40
    pace = TrainingPace(clock)
    whole = most * step + most // every * validation
    runner = SimpleNamespace(train_loop=ByIterations(most, every, 1), val_loop=object(), max_iters=most)
    # The first step is slow.
    clock.now += 30
    for done in range(1, most + 1):
        clock.now += step
        pace.step(done)
        spent = done * step + (done - 1) // every * validation
        left = pace.left(most - done, validations_left(runner, done), 1.0)
        if done % every == 0:
            pace.begin_validation()
            clock.now += validation
            pace.end_validation()
        elif done > (every if validation else 1):
            assert (whole - spent) / 2 <= left <= (whole - spent) * 2


@contextmanager
def terminal() -> Iterator[list[str]]:
    """Standard output and error of the block are a terminal; afterwards the list has what it showed."""
    ours, theirs = pty.openpty()
    parts: list[bytes] = []
    shown: list[str] = []

    def read() -> None:
        # The end of a terminal is an error.
        with suppress(OSError):
            while part := os.read(ours, 4096):
                parts.append(part)

    reader = threading.Thread(target=read)
    reader.start()
    with pytest.MonkeyPatch.context() as patch, os.fdopen(theirs, 'w', 1, 'utf-8') as screen:
        patch.setattr(sys, 'stdout', screen)
        patch.setattr(sys, 'stderr', screen)
        patch.setenv('TERM', 'xterm')
        yield shown
    reader.join()
    os.close(ours)
    shown.append(b''.join(parts).decode())


@pytest.fixture
def cfg(root: Path, small_config: Callable[..., Config], tmp_path: Path) -> Config:
    """Of a training of two steps, validated after the last."""
    cfg = small_config(root / 'configs' / 'demo' / 'focal_hrnet-compact.py')
    cfg.experiment_name = tmp_path.name
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=2, val_interval=2)
    cfg.val_dataloader, cfg.val_evaluator, cfg.val_cfg = cfg.test_dataloader, cfg.test_evaluator, dict(type='ValLoop')
    return cfg


def test_a_terminal_has_bars_and_the_log_file_all_lines(cfg: Config, tmp_path: Path) -> None:
    with terminal() as screen:
        FOCALRunner.from_cfg(cfg).train()
    (shown,) = screen
    log = next((tmp_path / 'work').glob('*/*.log')).read_text()
    assert 'training' in shown and '2 of 2' in shown and 'validation' in shown and '4 of 4' in shown
    # The table of the validation, and where the checkpoints are.
    assert 'Validation after 2 steps' in shown and 'macro F1' in shown and 'Checkpoints will be saved' in shown
    # The cursor comes back.
    assert shown.rindex('\x1b[?25h') > shown.rindex('\x1b[?25l')
    for line in ('Iter(train)', 'Iter(val)', 'Hooks will be executed', 'Config:', 'FileClient', 'System environment'):
        assert line in log and line not in shown
    assert 'The draw is False' not in shown


def test_a_log_has_a_line_each_half_minute_with_the_loss(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    clock = Clock()
    hook = ProgressHook(clock)
    runner = SimpleNamespace(
        logger=SimpleNamespace(handlers=[]), max_iters=10, iter=0, val_loop=None, message_hub=MessageHub(tmp_path.name)
    )
    hook.before_run(runner)
    hook.before_train(runner)
    for runner.iter in range(10):
        clock.now += IN_LOG / 2
        runner.message_hub.update_scalar('train/loss', 2.0 + runner.iter)
        hook.after_train_iter(runner, runner.iter)
    hook.after_train(runner)
    said = capsys.readouterr()
    assert not said.out and said.err.splitlines() == [
        'training, loss 2.5: 2 of 10, 0:02:00 left',
        'training, loss 3.5: 4 of 10, 0:01:30 left',
        'training, loss 4.5: 6 of 10, 0:01:00 left',
        'training, loss 5.5: 8 of 10, 0:00:30 left',
        'training, loss 6.5: 10 of 10',
    ]


def test_bars_end_with_an_error(cfg: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal() as screen:
        runner = FOCALRunner.from_cfg(cfg)
        monkeypatch.setattr(runner.model, 'train_step', lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            runner.train()
    (shown,) = screen
    assert shown.rindex('\x1b[?25h') > shown.rindex('\x1b[?25l')


def test_other_metrics_have_a_line(capsys: pytest.CaptureFixture) -> None:
    hook = ProgressHook()
    metrics = {'forgery/iou': 0.5, 'mIoU': np.float32(61.25), 'per class': [1, 2]}
    runner = SimpleNamespace(test_evaluator=SimpleNamespace(metrics=[ForgeryMetric(), object()]))
    hook.after_test_epoch(runner, metrics)
    assert capsys.readouterr().out == 'mIoU: 61.2500\n'
    runner.test_evaluator.metrics = [object()]
    hook.after_test_epoch(runner, metrics)
    assert capsys.readouterr().out == 'forgery/iou: 0.5000  mIoU: 61.2500\n'
