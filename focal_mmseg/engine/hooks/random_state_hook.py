"""Keeps the random generators in the checkpoint."""

from typing import Any

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import Tensor

from focal_mmseg.models.losses.contrastive_loss import ContrastiveLoss

KEY = 'random_states'


@HOOKS.register_module()
class RandomStateHook(Hook):
    """A resumed training draws what it would have drawn if it had not stopped.

    It keeps torch's generators of processor and accelerators, from which dropout draws, numpy's, and those of the
    losses that sample pixels. A validation leaves them as they were. The first process's are kept, as mmengine seeds
    all processes alike by default.
    """

    def __init__(self) -> None:
        self._to_set: dict[str, Any] | None = None
        self._before_validation: dict[str, Any] | None = None

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Put the states beside the weights, as tensors and numbers only."""
        checkpoint[KEY] = _states(runner)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Remember the states of a training that goes on."""
        self._to_set = checkpoint.get(KEY) if runner._resume else None

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Set them at the first step, after all that the start itself has drawn."""
        if self._to_set is not None:
            _set_states(runner, self._to_set)
            self._to_set = None

    def before_val(self, runner: Runner) -> None:
        """Remember the states: how often a training is validated changes nothing in it."""
        self._before_validation = _states(runner)

    def after_val(self, runner: Runner) -> None:
        """Set them again."""
        _set_states(runner, self._before_validation)


def _states(runner: Runner) -> dict[str, Any]:
    name, keys, *rest = np.random.get_state()
    return dict(
        torch=torch.get_rng_state(),
        accelerators=torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        numpy=[name, torch.from_numpy(keys.astype(np.int64)), *rest],
        losses=[generator.get_state() for generator in _generators(runner)],
    )


def _set_states(runner: Runner, states: dict[str, Any]) -> None:
    name, keys, *rest = states['numpy']
    np.random.set_state((name, keys.cpu().numpy().astype(np.uint32), *rest))
    torch.set_rng_state(_own(states['torch']))
    # A training that goes on with another number of accelerators draws anew there.
    if states['accelerators'] and len(states['accelerators']) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([_own(state) for state in states['accelerators']])
    for generator, state in zip(_generators(runner), states['losses'], strict=False):
        generator.set_state(_own(state))


def _own(state: Tensor) -> Tensor:
    """A state as torch takes it, wherever the checkpoint was loaded to."""
    return state.to('cpu', torch.uint8)


def _generators(runner: Runner) -> list[torch.Generator]:
    return [module.generator for module in runner.model.modules() if isinstance(module, ContrastiveLoss)]
