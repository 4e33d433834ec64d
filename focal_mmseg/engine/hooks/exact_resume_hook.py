"""Trainings that go on, after an interruption, as if there had been none."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dataset import InfiniteSampler
from mmengine.dist import broadcast_object_list, get_world_size, is_main_process
from mmengine.hooks import CheckpointHook, Hook
from mmengine.runner import IterBasedTrainLoop, Runner
from mmengine.runner.base_loop import BaseLoop
from mmengine.runner.utils import set_random_seed
from mmseg.registry import HOOKS

from focal_mmseg.datasets.seeded_sampler import SeededInfiniteSampler
from focal_mmseg.engine.latest_checkpoint import (
    BY_EPOCH,
    BY_ITER,
    LAST,
    counts_epochs,
    latest_checkpoint,
    newest_number,
)
from focal_mmseg.utils import ConfigError, atomic_write

from .atomic_checkpoint_hook import AtomicCheckpointHook

START = 'training_start.json'


@HOOKS.register_module()
class ExactResumeHook(Hook):
    """A training that is resumed ends with the weights that it would have had if it had not stopped.

    ``resume=True`` of a config, the ``--resume`` of mmseg's ``train.py`` and of ours, goes on from the latest whole
    checkpoint of the work dir that is of its latest training. How that one began, it wrote into
    ``training_start.json``: where it had no time to write a checkpoint, it begins so again. With ``load_from`` beside
    ``resume=True`` mmengine goes on from that file, and so it does here, unless it is what the training of the work dir
    began with.

    What the steps and the samples draw follows from the run's seed, the process and the step, so that checkpoints need
    no generator's state: the hook seeds each step, :class:`SeededInfiniteSampler` each sample, of which the hook ends
    the epochs where a training counts epochs. Checkpoints are written before the validation at their step, or at the
    end of their epoch; a resumed training begins with the validation that was due, so that the best checkpoint is the
    one that an uninterrupted training would have kept.
    """

    # After mmengine's CheckpointHook, which must know the best checkpoint, and DistSamplerSeedHook, which tells epochs.
    priority = 'LOWEST'

    def __init__(self) -> None:
        self._is_decided = False
        self._goes_on = False

    def before_run(self, runner: Runner) -> None:
        """Decide what to go on from, and have the sampler end its epochs.

        Raises:
            ConfigError: If the training counts epochs and its sampler has no end.
            ValueError: See :meth:`resume`.
        """
        if not isinstance(runner._train_loop, BaseLoop):
            return
        if counts_epochs(runner._train_loop):
            _end_epochs(runner.train_dataloader.sampler)
        if runner._has_loaded:
            # mmengine's FlexibleRunner loads before it calls hooks.
            self._goes_on |= bool(runner._resume) and runner._load_from is None
        elif runner._resume is True and not self._is_decided:
            self.resume(runner, load_from_begins=False)

    def resume(self, runner: Runner, load_from_begins: bool = True) -> None:
        """Have a runner go on from the latest whole checkpoint of its work dir, or begin where there is none.

        The first process decides for all.

        Args:
            runner (Runner): Not yet training.
            load_from_begins (bool): Whether ``load_from`` names the weights that a training begins with; otherwise it
                is, unless the training of the work dir began with it, what to go on from. Defaults to True.

        Raises:
            ValueError: If there are checkpoints, but none to go on from, or if the run has no seed of its own.
        """
        decided: list[Any] = [None]
        if is_main_process():
            try:
                decided = [_decide(runner, load_from_begins)]
            except ValueError as error:
                decided = [error]
        broadcast_object_list(decided)
        if isinstance(decided[0], ValueError):
            raise decided[0]
        start, self._goes_on = decided[0]
        runner._load_from, runner._resume = start.load_from, start.resume
        self._is_decided = True

    def before_train(self, runner: Runner) -> None:
        """Write how the training begins, or make up for the validation in which it was interrupted."""
        if not self._goes_on and is_main_process():
            _mark(Path(runner.work_dir), Start(runner._load_from, bool(runner._resume)))
        if runner.iter and runner.val_loop is not None and _is_validation_due(runner):
            runner.val_loop.run()

    def before_train_epoch(self, runner: Runner) -> None:
        """Tell the sampler how much of the epoch a resumed training has behind it."""
        loader = runner.train_dataloader
        if not counts_epochs(runner.train_loop) or not isinstance(loader.sampler, SeededInfiniteSampler):
            return
        steps = runner.iter - runner.epoch * len(loader)
        if steps:
            loader.sampler.skip(steps * loader.batch_size)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Seed Python's, numpy's and torch's generators, of processor and accelerators, for dropout and the like."""
        numbers = np.random.SeedSequence([runner.seed, runner.rank, runner.iter])
        set_random_seed(int(numbers.generate_state(1)[0]))


@dataclass(frozen=True)
class Start:
    """How a training begins.

    Attributes:
        load_from (str | None): A checkpoint.
        resume (bool): Whether it goes on from that; else it takes the weights alone.
    """

    load_from: str | None = None
    resume: bool = False


def resume_in_work_dir(runner: Runner) -> None:
    """Have a runner resume by its :class:`ExactResumeHook`, and give it one where its config has none.

    Args:
        runner (Runner): Not yet training.

    Raises:
        ValueError: See :meth:`ExactResumeHook.resume`.
    """
    hook = next((each for each in runner.hooks if isinstance(each, ExactResumeHook)), None)
    if hook is None:
        hook = ExactResumeHook()
        runner.register_hook(hook)
    hook.resume(runner)


def _decide(runner: Runner, load_from_begins: bool) -> tuple[Start, bool]:
    """What to begin with, and whether it is the work dir's own training that goes on, with the log of why."""
    work_dir = Path(runner.work_dir)
    began = _read_start(work_dir)
    asked = Start(runner._load_from, resume=True)
    begins = load_from_begins or asked.load_from is None or (began is not None and began.load_from == asked.load_from)
    if not begins:
        return asked, False
    checkpoint = _own_checkpoint(runner, began is not None)
    if checkpoint is None:
        begin = began if began is not None and began.resume else Start(asked.load_from)
        where = f'goes on from {begin.load_from} as before' if begin.resume else 'starts anew'
        runner.logger.warning(f'no checkpoint of this training in {work_dir}: it {where}')
        return begin, False
    if runner.cfg.get('randomness', {}).get('seed') is None:
        raise ValueError(
            f'randomness.seed is None, so that a training that goes on from {checkpoint} would see other images: '
            'give the seed that the log of its start shows, --cfg-options randomness.seed=...'
        )
    return Start(str(checkpoint), resume=True), True


def _own_checkpoint(runner: Runner, is_marked: bool) -> Path | None:
    """The latest whole checkpoint of the latest training of a work dir, with the log of those that are passed over."""
    work_dir = Path(runner.work_dir)
    folder, template = _place(runner)
    newest = newest_number(work_dir, template, is_marked)
    checkpoint, rejected = latest_checkpoint(folder, template, newest, get_world_size())
    for each in rejected:
        runner.logger.warning(f'passed over: {each.reason}')
    is_named = newest is not None and newest != 0
    if checkpoint is None and (any(not each.is_lost for each in rejected) or (not rejected and is_named)):
        raise ValueError(
            f'no checkpoint in {folder} can be gone on from, though {LAST} in {work_dir} names '
            f'{template.format(newest) if is_named else "none"}; without --resume it starts anew'
        )
    return checkpoint


def _place(runner: Runner) -> tuple[Path, str]:
    """The folder of the checkpoints and the template of their names, as mmengine's CheckpointHook will have them."""
    work_dir = Path(runner.work_dir)
    hook = next((each for each in runner.hooks if isinstance(each, CheckpointHook)), None)
    if hook is None:
        return work_dir, BY_EPOCH if counts_epochs(runner._train_loop) else BY_ITER
    if isinstance(hook, AtomicCheckpointHook):
        hook.choose_unit(runner)
    return Path(hook.out_dir) / work_dir.name if hook.out_dir else work_dir, hook.filename_tmpl


def _mark(work_dir: Path, start: Start) -> None:
    """Write how the training begins; what an earlier one left in the work dir is no longer its own."""
    path, last = work_dir / START, work_dir / LAST
    if last.is_file():
        # In one step: at no moment is the checkpoint of an earlier training that of this one.
        last.replace(path)
    with atomic_write(path) as part:
        part.write_text(json.dumps(asdict(start)), encoding='utf-8')


def _read_start(work_dir: Path) -> Start | None:
    """How the latest training of a work dir began; None if nothing tells it."""
    path = work_dir / START
    if not path.is_file():
        return None
    try:
        return Start(**json.loads(path.read_text(encoding='utf-8')))
    except (TypeError, ValueError):
        # It was killed within _mark.
        return Start()


def _end_epochs(sampler: Any) -> None:
    """Have a sampler end each epoch; see :class:`ExactResumeHook`."""
    if isinstance(sampler, SeededInfiniteSampler):
        sampler.end_epochs()
    elif isinstance(sampler, InfiniteSampler):
        raise ConfigError(
            f'train_cfg counts epochs, but with train_dataloader.sampler.type={type(sampler).__name__} none ends: '
            "set it to 'SeededInfiniteSampler'"
        )


def _is_validation_due(runner: Runner) -> bool:
    """Whether an uninterrupted training would validate at the step, or the end of the epoch, that is resumed from."""
    loop = runner.train_loop
    by_epoch = counts_epochs(loop)
    if by_epoch and runner.iter != runner.epoch * len(loop.dataloader):
        return False
    if not by_epoch and not isinstance(loop, IterBasedTrainLoop):
        return False
    done, most = (runner.epoch, runner.max_epochs) if by_epoch else (runner.iter, runner.max_iters)
    loop._decide_current_val_interval()
    return done >= loop.val_begin and (done % loop.val_interval == 0 or done == most)
