"""Trainings by epochs of a toy model: they end, and go on within an epoch."""

import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import Tensor, nn

from focal_mmseg.engine.loops import counts_epochs
from focal_mmseg.utils import ConfigError

NUMBER = itertools.count()


class Scale(BaseModel):
    """One weight."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, inputs: list[Tensor], mode: str) -> dict[str, Tensor]:
        return dict(loss=(self.weight * torch.stack(inputs)).mean())


class Seen(Hook):
    """What each step was given."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        self.batches.append([int(each) for each in data_batch['inputs']])


def trained(work_dir: Path, sampler: str = 'NumberedSampler', resume: bool = False, **loop: Any) -> Seen:
    """Two epochs of seven pictures, two a step, with a checkpoint after each step."""
    seen = Seen()
    checkpoint = dict(type='WholeCheckpointHook', by_epoch=False, interval=1)
    Runner(
        model=Scale(),
        work_dir=str(work_dir),
        train_dataloader=dict(
            dataset=[dict(inputs=torch.tensor(float(number))) for number in range(7)],
            batch_size=2,
            num_workers=0,
            sampler=dict(type=sampler),
        ),
        train_cfg=loop or dict(by_epoch=True, max_epochs=2),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        default_hooks=dict(sampler_seed=dict(type='SamplerHook'), checkpoint=checkpoint),
        custom_hooks=[seen, dict(type='ResumeHook')],
        randomness=dict(seed=3),
        resume=resume,
        default_scope='mmseg',
        experiment_name=f'epochs{next(NUMBER)}',
        log_level='ERROR',
    ).train()
    return seen


def test_a_training_goes_on_within_an_epoch(tmp_path: Path) -> None:
    whole = trained(tmp_path / 'whole').batches
    assert [len(each) for each in whole] == [2, 2, 2, 1] * 2
    for epoch in (whole[:4], whole[4:]):
        assert sorted(each for batch in epoch for each in batch) == list(range(7))
    # In the first epoch, at its last step, and in the second one.
    for step in (1, 4, 6):
        folder = tmp_path / str(step)
        folder.mkdir()
        (folder / 'last_checkpoint').write_text(str(tmp_path / 'whole' / f'iter_{step}.pth'))
        assert trained(folder, resume=True).batches == whole[step:]


def test_a_sampler_without_end_is_refused_with_the_one_to_take(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"sampler\.type=InfiniteSampler none ends: set it to 'NumberedSampler'"):
        trained(tmp_path, 'InfiniteSampler')
    assert len(trained(tmp_path, 'InfiniteSampler', type='IterBasedTrainLoop', max_iters=5).batches) == 5
    assert len(trained(tmp_path, 'DefaultSampler').batches) == 8


@pytest.mark.parametrize(
    ('loop', 'epochs'),
    [
        (dict(by_epoch=True, max_epochs=2), True),
        (dict(type='EpochBasedTrainLoop', max_epochs=2), True),
        (dict(type=EpochBasedTrainLoop, max_epochs=2), True),
        (dict(by_epoch=False, max_iters=2), False),
        (dict(type='IterBasedTrainLoop', max_iters=2), False),
        (None, False),
    ],
)
def test_what_a_loop_counts_is_known_before_it_is_built(loop: dict | None, epochs: bool) -> None:
    assert counts_epochs(loop) == epochs
