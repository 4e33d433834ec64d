"""Trainings of a toy model that are interrupted at each moment and go on, by steps and by epochs."""

import itertools
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from mmseg.registry import DATASETS, METRICS, MODELS
from torch import Tensor, nn
from torch.utils.data import Dataset

from focal_mmseg.engine import ExactResumeHook
from focal_mmseg.engine.hooks.exact_resume_hook import START, resume_in_work_dir
from focal_mmseg.engine.latest_checkpoint import LAST
from focal_mmseg.utils import ConfigError

NUMBER = itertools.count()


@MODELS.register_module()
class Scale(BaseModel):
    """One weight, with draws in its steps."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, inputs: list[Tensor], mode: str) -> dict[str, Tensor] | list:
        if mode != 'loss':
            return [{}]
        return dict(loss=(self.weight * torch.stack(inputs) * torch.rand(1)).mean())


@DATASETS.register_module()
class Seven(Dataset):
    """Seven samples, each its number with a fraction drawn."""

    def __len__(self) -> int:
        return 7

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return dict(inputs=index + torch.rand(()) / 2)


@METRICS.register_module()
class Step(BaseMetric):
    """The best validation is the first one."""

    default_prefix = 'toy'
    done = 0

    def process(self, data_batch: Any, data_samples: Any) -> None:
        self.results.append(0)

    def compute_metrics(self, results: list) -> dict[str, float]:
        self.done += 1
        return dict(score=-self.done)


class Killed(BaseException):
    """In place of a signal."""


class Seen(Hook):
    """What each step was given; kills the training before a step, or in the validation at one."""

    def __init__(self, kill: int | None = None, kill_validation: int | None = None) -> None:
        self.batches: list[list[float]] = []
        self.kill, self.kill_validation = kill, kill_validation

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        if runner.iter == self.kill:
            raise Killed
        self.batches.append([float(each) for each in data_batch['inputs']])

    def before_val(self, runner: Runner) -> None:
        if runner.iter == self.kill_validation:
            raise Killed


def config(work_dir: Path, **options: Any) -> Config:
    """Six steps of two samples each, with a checkpoint and a validation after every second one."""
    loader = dict(batch_size=2, num_workers=0, dataset=dict(type='Seven'))
    settings = dict(
        model=dict(type='Scale'),
        work_dir=str(work_dir),
        train_dataloader=dict(loader, sampler=dict(type='SeededInfiniteSampler')),
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=6, val_interval=2),
        optim_wrapper=dict(optimizer=dict(type='Adam', lr=0.1)),
        val_dataloader=dict(loader, sampler=dict(type='DefaultSampler', shuffle=False)),
        val_cfg=dict(type='ValLoop'),
        val_evaluator=dict(type='Step'),
        default_hooks=dict(
            checkpoint=dict(type='AtomicCheckpointHook', by_epoch=None, interval=2),
            exact_resume=dict(type='ExactResumeHook'),
        ),
        randomness=dict(seed=3),
        default_scope='mmseg',
        experiment_name=f'resume{next(NUMBER)}',
        log_level='WARNING',
    )
    return Config(settings | options)


def trained(work_dir: Path, seen: Seen | None = None, ours: bool = False, **options: Any) -> tuple[Runner, Seen]:
    """A training as mmseg's train.py does it, or as ours resumes it."""
    seen = seen or Seen()
    runner = Runner.from_cfg(config(work_dir, **options))
    runner.register_hook(seen)
    if ours:
        resume_in_work_dir(runner)
    try:
        runner.train()
    except Killed:
        if seen.kill is None and seen.kill_validation is None:
            raise
    return runner, seen


def weight(runner: Runner) -> float:
    return runner.model.weight.item()


@pytest.fixture(scope='module')
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[float, list[list[float]], Path]:
    """The weight, the batches and the work dir of a training that nobody interrupted."""
    folder = tmp_path_factory.mktemp('whole') / 'work'
    runner, seen = trained(folder)
    assert len(seen.batches) == 6 and (folder / 'iter_6.pth').is_file()
    return weight(runner), seen.batches, folder


BY_SCRIPT = pytest.mark.parametrize('how', [dict(resume=True), dict(ours=True)], ids=['mmseg', 'ours'])


@BY_SCRIPT
@pytest.mark.parametrize(
    ('kill', 'steps'),
    [(dict(kill=0), 6), (dict(kill=1), 6), (dict(kill=3), 4), (dict(kill_validation=4), 2), (dict(kill=5), 2)],
)
def test_a_training_goes_on_exactly_from_where_its_last_checkpoint_is(
    tmp_path: Path, whole: tuple, how: dict, kill: dict, steps: int
) -> None:
    # What an earlier training left.
    torch.save(dict(state_dict={}, optimizer={}), tmp_path / 'iter_40000.pth')
    (tmp_path / LAST).write_text(str(tmp_path / 'iter_40000.pth'))
    trained(tmp_path, Seen(**kill))
    runner, seen = trained(tmp_path, **how)
    assert seen.batches == whole[1][6 - steps :]
    assert weight(runner) == whole[0]


@BY_SCRIPT
def test_a_finished_training_stays_what_it_is(tmp_path: Path, whole: tuple, how: dict) -> None:
    trained(tmp_path)
    before = (tmp_path / LAST).read_text()
    runner, seen = trained(tmp_path, **how)
    assert seen.batches == [] and weight(runner) == whole[0]
    assert (tmp_path / LAST).read_text() == before == str(tmp_path / 'iter_6.pth')


@BY_SCRIPT
def test_a_work_dir_without_a_training_begins_one(tmp_path: Path, whole: tuple, how: dict) -> None:
    runner, _ = trained(tmp_path / 'new', **how)
    assert weight(runner) == whole[0]
    assert json.loads((tmp_path / 'new' / START).read_text()) == dict(load_from=None, resume=False)


@BY_SCRIPT
@pytest.mark.parametrize(('kill', 'steps'), [(1, 6), (3, 4)])
def test_a_training_that_began_with_given_weights_goes_on_as_one(
    tmp_path: Path, whole: tuple, how: dict, kill: int, steps: int
) -> None:
    given = dict(load_from=str(whole[2] / 'iter_4.pth'))
    expected, _ = trained(tmp_path / 'expected', **given)
    assert weight(expected) != whole[0]
    trained(tmp_path / 'work', Seen(kill=kill), **given)
    runner, seen = trained(tmp_path / 'work', **given, **how)
    assert len(seen.batches) == steps and weight(runner) == weight(expected)


def test_what_is_named_to_go_on_from_comes_before_the_work_dir_also_when_that_is_interrupted(
    tmp_path: Path, whole: tuple
) -> None:
    trained(tmp_path, Seen(kill=3), randomness=dict(seed=8))
    named = dict(load_from=str(whole[2] / 'iter_4.pth'), resume=True)
    _, seen = trained(tmp_path, Seen(kill=5), **named)
    assert seen.batches == whole[1][4:5]
    for again in (named, dict(resume=True), dict(ours=True)):
        runner, seen = trained(tmp_path, Seen(kill=5), **again)
        assert seen.batches == whole[1][4:5]
    runner, seen = trained(tmp_path, resume=True)
    assert seen.batches == whole[1][4:] and weight(runner) == whole[0]


def test_our_script_takes_what_a_config_loads_for_weights(tmp_path: Path, whole: tuple) -> None:
    given = dict(load_from=str(whole[2] / 'iter_4.pth'))
    _, seen = trained(tmp_path / 'ours', ours=True, **given)
    assert seen.batches == whole[1]
    _, seen = trained(tmp_path / 'mmseg', resume=True, **given)
    assert seen.batches == whole[1][4:]


def test_a_kill_while_the_start_is_marked_loses_nothing_and_mixes_nothing(
    tmp_path: Path, whole: tuple, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(tmp_path, randomness=dict(seed=8))
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr('focal_mmseg.engine.hooks.exact_resume_hook.asdict', kill)
        trained(tmp_path)
    assert not (tmp_path / LAST).exists()
    runner, seen = trained(tmp_path, resume=True)
    assert seen.batches == whole[1] and weight(runner) == whole[0]


def kill(*_: object) -> None:
    raise Killed


def test_a_training_of_version_0_2_goes_on(tmp_path: Path, whole: tuple) -> None:
    trained(tmp_path, Seen(kill=3))
    (tmp_path / START).unlink()
    _, seen = trained(tmp_path, resume=True)
    assert seen.batches == whole[1][2:]
    # One that had no checkpoint yet.
    (tmp_path / LAST).write_text('nothing yet')
    _, seen = trained(tmp_path, resume=True)
    assert seen.batches == whole[1]


def test_a_hook_is_given_to_a_config_without_one(tmp_path: Path, whole: tuple) -> None:
    hooks = dict(checkpoint=dict(type='AtomicCheckpointHook', by_epoch=False, interval=2))
    trained(tmp_path, Seen(kill=3), default_hooks=hooks)
    _, seen = trained(tmp_path, ours=True, default_hooks=hooks)
    assert seen.batches == whole[1][2:]


EPOCHS = dict(by_epoch=True, max_epochs=2)
EACH_STEP = dict(
    checkpoint=dict(type='AtomicCheckpointHook', by_epoch=False, interval=1),
    exact_resume=dict(type='ExactResumeHook'),
)


def test_a_training_by_epochs_goes_on_within_an_epoch(tmp_path: Path) -> None:
    options = dict(train_cfg=EPOCHS, default_hooks=EACH_STEP)
    expected, seen = trained(tmp_path / 'whole', **options)
    assert [len(each) for each in seen.batches] == [2, 2, 2, 1] * 2
    for epoch in (seen.batches[:4], seen.batches[4:]):
        assert sorted(int(each) for batch in epoch for each in batch) == list(range(7))
    # In the first epoch, at its last step, and in the second one.
    for step in (1, 4, 6):
        folder = tmp_path / str(step)
        folder.mkdir()
        (folder / 'iter_1.pth').symlink_to(tmp_path / 'whole' / f'iter_{step}.pth')
        runner, rest = trained(folder, resume=True, **options)
        assert rest.batches == seen.batches[step:] and weight(runner) == weight(expected)


def test_a_sampler_without_end_is_refused_with_the_one_to_take(tmp_path: Path) -> None:
    def train(sampler: str, **loop: Any) -> Seen:
        loader = dict(batch_size=2, num_workers=0, dataset=dict(type='Seven'), sampler=dict(type=sampler))
        return trained(tmp_path, train_dataloader=loader, train_cfg=loop)[1]

    with pytest.raises(
        ConfigError, match=r"sampler\.type=InfiniteSampler none ends: set it to 'SeededInfiniteSampler'"
    ):
        train('InfiniteSampler', **EPOCHS)
    assert len(train('InfiniteSampler', type='IterBasedTrainLoop', max_iters=5).batches) == 5
    assert len(train('DefaultSampler', **EPOCHS).batches) == 8


def draws(seed: int = 0, rank: int = 0, step: int = 0) -> tuple[float, float]:
    ExactResumeHook().before_train_iter(SimpleNamespace(seed=seed, rank=rank, iter=step), batch_idx=0)
    return torch.rand(()).item(), np.random.rand()


def test_a_step_draws_what_its_seed_process_and_number_say_whatever_was_drawn_before() -> None:
    first = draws(step=7)
    torch.rand(3), np.random.rand(5)
    assert draws(step=7) == first
    for other in (draws(seed=1, step=7), draws(rank=1, step=7), draws(step=8)):
        assert other[0] != first[0] and other[1] != first[1]
