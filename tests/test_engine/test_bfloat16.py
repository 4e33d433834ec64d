import torch
from mmengine.optim import build_optim_wrapper
from torch import nn

from focal_mmseg.engine import BFloat16OptimWrapper


class Linear(nn.Linear):
    """Remembers what type it computed in."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = super().forward(x)
        self.computed = found.dtype
        return found


def wrapper(model: nn.Module, **options: object) -> BFloat16OptimWrapper:
    optimizer = dict(type='SGD', lr=0.1)
    return build_optim_wrapper(model, dict(type='BFloat16OptimWrapper', optimizer=optimizer, **options))


def test_the_forward_pass_is_in_bfloat16_and_the_weights_are_not() -> None:
    model = Linear(4, 3)
    found = wrapper(model)
    assert isinstance(found, BFloat16OptimWrapper)
    before = model.weight.detach().clone()
    with found.optim_context(model):
        loss = model(torch.ones(2, 4)).float().square().mean()
    assert model.computed == torch.bfloat16
    found.update_params(loss)
    assert model.weight.dtype == model.weight.grad.dtype if model.weight.grad is not None else True
    assert model.weight.dtype == torch.float32 and not torch.equal(model.weight, before)
    # Outside of a step, as in tests, nothing is changed.
    model(torch.ones(2, 4))
    assert model.computed == torch.float32


def test_gradients_are_accumulated_over_steps() -> None:
    model = Linear(4, 1, bias=False)
    found = wrapper(model, accumulative_counts=2)
    found.initialize_count_status(model, 0, 4)
    before = model.weight.detach().clone()
    changed = []
    for _ in range(2):
        with found.optim_context(model):
            loss = model(torch.ones(1, 4)).float().sum()
        found.update_params(loss)
        changed.append(not torch.equal(model.weight, before))
    assert changed == [False, True]
    torch.testing.assert_close(before - model.weight, torch.full((1, 4), 0.1))
