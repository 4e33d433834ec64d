"""Checkpoints that a kill at any moment leaves whole."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dist import is_main_process
from mmengine.fileio import LocalBackend, register_backend
from mmengine.hooks import CheckpointHook
from mmengine.logging import HistoryBuffer
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from focal_mmseg.engine.latest_checkpoint import BY_EPOCH, counts_epochs
from focal_mmseg.utils import atomic_write

BACKEND = 'focal_atomic'


@register_backend(BACKEND, force=True)
class AtomicBackend(LocalBackend):
    """mmengine's local files, each written whole or not at all, and removed only when that is asked for again."""

    def __init__(self) -> None:
        super().__init__()
        self.replaced: list[Path] = []

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes; see mmengine."""
        with atomic_write(filepath) as part:
            super().put(obj, part)

    def remove(self, filepath: str | Path) -> None:
        """Remove the file later."""
        self.replaced.append(Path(filepath))

    def rmtree(self, dir_path: str | Path) -> None:
        """Remove the folder later."""
        self.replaced.append(Path(dir_path))

    def remove_replaced(self, but: set[str]) -> None:
        """Remove what is to be removed, but what has been written anew since."""
        for path in self.replaced:
            if str(path) not in but:
                super().rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        self.replaced = []


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """mmengine's ``CheckpointHook``, whose arguments it has, with which a kill at any moment loses no checkpoint.

    A local file gets its name when it is written to its end, and what it replaces, the best one before or the one that
    ``max_keep_ckpts`` no longer keeps, is removed after that; mmengine does the latter before.

    A validation that does not define the metric that ``save_best`` names, as one of whole images where none is
    pristine, keeps no best checkpoint, and the log says so; mmengine's stops the training.

    A checkpoint holds nothing but tensors, numbers and texts, so that ``torch.load`` reads it as weights alone: the
    log's history, which mmengine pickles as objects, lies there as tensors (:func:`as_plain_log`).

    Args:
        interval (int): Iterations between checkpoints, or epochs with ``by_epoch=True``. Defaults to -1, none.
        by_epoch (bool, optional): As mmengine's; None follows the training: every ``interval`` iterations, or every
            ``epoch_interval`` epochs where ``train_cfg`` counts epochs. Defaults to True.
        epoch_interval (int): See ``by_epoch``. Defaults to 1.
        **options: mmengine's others.
    """

    # mmengine's, which has no types.
    by_epoch: bool | None
    interval: int
    filename_tmpl: str
    file_backend: Any

    def __init__(
        self, interval: int = -1, by_epoch: bool | None = True, *, epoch_interval: int = 1, **options: Any
    ) -> None:
        super().__init__(interval, by_epoch, **options)
        self.epoch_interval = epoch_interval
        self._named_by_user = options.get('filename_tmpl') is not None

    def choose_unit(self, runner: Runner) -> None:
        """Follow the training, whose loop need not be built yet, where ``by_epoch`` is None."""
        if self.by_epoch is not None:
            return
        self.by_epoch = counts_epochs(runner._train_loop)
        if self.by_epoch:
            self.interval = self.epoch_interval
            self.filename_tmpl = self.filename_tmpl if self._named_by_user else BY_EPOCH

    def before_train(self, runner: Runner) -> None:
        """See mmengine; warns of checkpoints that fall between the steps whose gradients are gathered."""
        self.choose_unit(runner)
        super().before_train(runner)
        if type(self.file_backend) is LocalBackend:
            self.file_backend, self.backend_args = AtomicBackend(), dict(backend=BACKEND)
        self._check_accumulation(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Write the log's history as tensors."""
        if 'message_hub' in checkpoint:
            checkpoint['message_hub'] = as_plain_log(checkpoint['message_hub'])

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Make the log's history of what was written."""
        if 'message_hub' in checkpoint:
            checkpoint['message_hub'] = as_log(checkpoint['message_hub'])

    def _check_accumulation(self, runner: Runner) -> None:
        """Warn where a resumed training would lack gradients."""
        gathered = (runner.cfg.get('optim_wrapper') or {}).get('accumulative_counts', 1)
        steps = self.interval * (len(runner.train_dataloader) if self.by_epoch else 1)
        if self.interval > 0 and steps % gathered:
            between = f' epochs, {steps} steps, are' if self.by_epoch else ' is'
            warnings.warn(
                f'default_hooks.checkpoint.interval={self.interval}{between} no multiple of '
                f'optim_wrapper.accumulative_counts={gathered}: a resumed training will lack the gradients that were '
                'gathered when its checkpoint was written',
                stacklevel=2,
            )

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        # The best one is written by now. What this call writes will not know the one before it.
        self._remove_replaced()
        super()._save_checkpoint_with_step(runner, step, meta)
        self._remove_replaced()

    def _save_best_checkpoint(self, runner: Runner, metrics: dict[str, Any]) -> None:
        missing = [name for name in self.save_best or () if name != 'auto' and name not in metrics]
        if missing:
            # As the F1 where something is found, of a network that finds nothing yet.
            runner.logger.warning(f'this validation does not define {", ".join(missing)}: it is not the best by that')
        super()._save_best_checkpoint(runner, dict.fromkeys(missing) | metrics)
        self._remove_replaced()

    def _remove_replaced(self) -> None:
        """Remove what was replaced."""
        if isinstance(getattr(self, 'file_backend', None), AtomicBackend) and is_main_process():
            kept = [self.last_ckpt, getattr(self, 'best_ckpt_path', None)]
            kept += getattr(self, 'best_ckpt_path_dict', {}).values()
            self.file_backend.remove_replaced({str(path) for path in kept if path})


def as_plain_log(state: Mapping[str, Any]) -> dict[str, Any]:
    """The state of a message hub without objects.

    Args:
        state (Mapping[str, Any]): As ``MessageHub.state_dict`` gives it.

    Returns:
        dict[str, Any]: Each history a dict of two tensors and a number; numpy's numbers are Python's.
    """
    scalars = {name: _plain(each) if isinstance(each, HistoryBuffer) else each for name, each in _scalars(state)}
    info = {
        name: each.item() if isinstance(each, np.generic) else each
        for name, each in state.get('runtime_info', {}).items()
    }
    return {**state, 'log_scalars': scalars, 'runtime_info': info}


def as_log(state: Mapping[str, Any]) -> dict[str, Any]:
    """What ``MessageHub.load_state_dict`` takes, of what :func:`as_plain_log` made; all else stays.

    Args:
        state (Mapping[str, Any]): As a checkpoint holds it.
    """
    scalars = {name: _history(each) if isinstance(each, dict) else each for name, each in _scalars(state)}
    return {**state, 'log_scalars': scalars}


def _scalars(state: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return list(state.get('log_scalars', {}).items())


def _plain(history: HistoryBuffer) -> dict[str, Any]:
    values, counts = (torch.from_numpy(np.array(each)) for each in history.data)
    return dict(values=values, counts=counts, max_length=history.max_length)


def _history(plain: dict[str, Any]) -> HistoryBuffer:
    values, counts = (plain[name].cpu().numpy() for name in ('values', 'counts'))
    return HistoryBuffer(values, counts, plain['max_length'])
