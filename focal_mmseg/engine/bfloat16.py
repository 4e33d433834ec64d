"""Training in bfloat16, on processors too."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from mmseg.registry import OPTIM_WRAPPERS
from torch import nn


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """mmengine's ``OptimWrapper`` whose forward pass runs under torch's autocast to bfloat16.

    bfloat16 has the range of float32, so the loss is not scaled. mmengine's ``AmpOptimWrapper`` does the same on
    accelerators only. Losses of this project compute in float32 nevertheless.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """The context of a step's forward pass."""
        device = next(model.parameters()).device.type
        with super().optim_context(model), torch.autocast(device, torch.bfloat16):
            yield
