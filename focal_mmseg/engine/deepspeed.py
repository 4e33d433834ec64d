"""Trainings through DeepSpeed that can be interrupted."""

import importlib.util
from collections.abc import Sequence
from typing import Any

import torch
from mmengine._strategy import DeepSpeedStrategy
from mmengine.config import Config, ConfigDict
from mmengine.registry import STRATEGIES
from mmengine.runner.activation_checkpointing import turn_on_activation_checkpointing
from torch import nn

from .checkpoint import safe_globals


@STRATEGIES.register_module()
class FOCALDeepSpeedStrategy(DeepSpeedStrategy):
    """mmengine's strategy, with activation checkpointing, and resumed to the last bit.

    mmengine's FlexibleRunner counts one step too many in a checkpoint that is written after a validation; this strategy
    takes DeepSpeed's own count.

    Args:
        recomputed (Sequence[str]): Modules that keep no activations but compute them again in the backward pass, as
            ``'backbone.layers.0'``; what mmengine's Runner calls ``activation_checkpointing``. Defaults to ().
        **options: Those of mmengine's DeepSpeedStrategy.
    """

    def __init__(self, *, recomputed: Sequence[str] = (), **options: Any) -> None:
        super().__init__(**options)
        self._recomputed = list(recomputed)

    def build_model(self, model: nn.Module | dict) -> Any:
        """Build the model; see mmengine."""
        model = super().build_model(model)
        turn_on_activation_checkpointing(model, self._recomputed)
        return model

    def save_checkpoint(self, filename: str, *, extra_ckpt: dict | None = None, **options: Any) -> None:
        """Write a folder with a part of each process; the arguments are mmengine's."""
        extra_ckpt = {} if extra_ckpt is None else extra_ckpt
        steps = self.model.global_steps * self.model.gradient_accumulation_steps()
        extra_ckpt['meta'] = {**extra_ckpt.get('meta', {}), 'iter': steps}
        super().save_checkpoint(filename, extra_ckpt=extra_ckpt, **options)


def prepare_deepspeed(cfg: Config) -> None:
    """Refuse what DeepSpeed would fail at in its own words, and let it read its checkpoints back, weights-only.

    Args:
        cfg (Config): With ``strategy.type`` FOCALDeepSpeedStrategy. It gets the batch size, which mmengine gives to
            the strategy of its own name alone.

    Raises:
        ModuleNotFoundError: If deepspeed is not installed.
        ValueError: If there is no launcher.
    """
    if importlib.util.find_spec('deepspeed') is None:
        raise ModuleNotFoundError("this config trains through DeepSpeed: pip install '.[deepspeed]'")
    if cfg.launcher == 'none':
        raise ValueError(
            'DeepSpeed wants a launcher, also for one process: torchrun --nproc-per-node 1 tools/train.py CONFIG '
            '--launcher pytorch'
        )
    cfg.strategy.train_micro_batch_size_per_gpu = cfg.train_dataloader.batch_size
    torch.serialization.add_safe_globals([*safe_globals(), *_names()])


def _names() -> list[type]:
    """The classes in DeepSpeed's checkpoints beside tensors: its settings, where a tensor's parts lie, loss scaling."""
    from deepspeed.runtime.fp16.loss_scaler import DynamicLossScaler, LossScaler
    from deepspeed.runtime.zero.config import ZeroStageEnum
    from deepspeed.utils.tensor_fragment import fragment_address

    return [ConfigDict, DynamicLossScaler, LossScaler, ZeroStageEnum, fragment_address]
