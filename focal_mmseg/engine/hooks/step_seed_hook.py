"""Seeds every step of a training."""

from typing import Any

import numpy as np
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.runner.utils import set_random_seed
from mmseg.registry import HOOKS


@HOOKS.register_module()
class StepSeedHook(Hook):
    """What a training step draws, as dropout and sampled pixels, follows from the run's seed, the process and the step.

    So a resumed training draws what it would have drawn if it had not stopped, in each process, under each strategy of
    mmengine, however often it was validated, and its checkpoints need no generator's state.
    """

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Seed Python's, numpy's and torch's generators of processor and accelerators."""
        numbers = np.random.SeedSequence([runner.seed, runner.rank, runner.iter])
        set_random_seed(int(numbers.generate_state(1)[0]))
