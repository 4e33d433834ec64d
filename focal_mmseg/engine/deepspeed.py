"""Trainings through DeepSpeed that can be interrupted."""

import importlib.util
from typing import Any

import torch
from mmengine._strategy import DeepSpeedStrategy
from mmengine.config import Config, ConfigDict
from mmengine.registry import STRATEGIES

from .checkpoint import safe_globals


@STRATEGIES.register_module()
class ResumableDeepSpeedStrategy(DeepSpeedStrategy):
    """mmengine's strategy, of which a resumed training is the one that was not interrupted.

    mmengine's FlexibleRunner counts one step too many in a checkpoint that is written after a validation; this one
    takes DeepSpeed's own count.
    """

    def save_checkpoint(self, filename: str, *, extra_ckpt: dict | None = None, **options: Any) -> None:
        """Write a folder with a part of each process; the arguments are mmengine's."""
        extra_ckpt = {} if extra_ckpt is None else extra_ckpt
        steps = self.model.global_steps * self.model.gradient_accumulation_steps()
        extra_ckpt['meta'] = {**extra_ckpt.get('meta', {}), 'iter': steps}
        super().save_checkpoint(filename, extra_ckpt=extra_ckpt, **options)


def prepare_deepspeed(cfg: Config) -> None:
    """Refuse what DeepSpeed would fail at in its own words, and let it read its checkpoints back, weights-only.

    Args:
        cfg (Config): With ``strategy.type`` ResumableDeepSpeedStrategy. It gets the batch size, which mmengine gives to
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
