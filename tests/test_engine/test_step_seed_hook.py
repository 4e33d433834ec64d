from types import SimpleNamespace

import numpy as np
import torch

from focal_mmseg.engine import StepSeedHook


def draws(seed: int = 0, rank: int = 0, step: int = 0) -> tuple[float, float]:
    StepSeedHook().before_train_iter(SimpleNamespace(seed=seed, rank=rank, iter=step), batch_idx=0)
    return torch.rand(()).item(), np.random.rand()


def test_a_step_draws_what_its_seed_process_and_number_say_whatever_was_drawn_before() -> None:
    first = draws(step=7)
    torch.rand(3), np.random.rand(5)
    assert draws(step=7) == first
    for other in (draws(seed=1, step=7), draws(rank=1, step=7), draws(step=8)):
        assert other[0] != first[0] and other[1] != first[1]
