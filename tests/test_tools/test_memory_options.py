"""What makes a training fit into memory changes its gradient by rounding alone."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.registry import MODELS
from torch import Tensor

MIT = 'demo/focal_mit-compact.py'
HRNET = 'demo/focal_hrnet-compact.py'


@pytest.fixture
def read(root: Path, small_config: Callable[..., Config]) -> Callable[[str], Config]:
    """Reads a config: one step of the optimizer, which leaves the weights as they are."""

    def call(name: str) -> Config:
        cfg = small_config(root / 'configs' / name)
        if 'vit' in name:
            small = dict(embed_dims=32, num_layers=2, num_heads=2, feedforward_channels=64, global_attn_indexes=[1])
            cfg.model.backbone.update(arch=small, img_size=128, window_size=4)
            cfg.model.neck.update(in_channels=32, out_channels=16)
            cfg.model.decode_head.update(in_channels=16, channels=16)
        cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
        cfg.default_hooks.checkpoint.save_best = None
        cfg.optim_wrapper.optimizer = dict(type='SGD', lr=0.0, momentum=0.9)
        return cfg

    return call


def gradients(cfg: Config) -> dict[str, Tensor]:
    """What the first step of the optimizer took: at that step the momentum is the gradient."""
    runner = Runner.from_cfg(cfg)
    runner.train()
    state = runner.optim_wrapper.optimizer.state
    return {name: state[weight]['momentum_buffer'] for name, weight in runner.model.named_parameters()}


def assert_close(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    scale = max(each.abs().max() for each in expected.values())
    assert scale > 0 and list(found) == list(expected)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-3, atol=1e-5 * float(scale), msg=name)


def test_gradients_gathered_over_two_steps_are_those_of_one_batch(read: Callable) -> None:
    whole, halves = read(MIT), read(MIT)
    whole.train_dataloader.batch_size = 4
    halves.train_dataloader.batch_size = 2
    halves.train_cfg.max_iters = 2
    halves.optim_wrapper.accumulative_counts = 2
    assert_close(gradients(halves), gradients(whole))


@pytest.mark.parametrize(
    ('name', 'options'),
    [
        (MIT, {'model.backbone.with_cp': True}),
        (HRNET, {'model.backbone.with_cp': True}),
        ('backbones/focal_vit-b.py', {'activation_checkpointing': ['backbone.layers.0', 'backbone.layers.1']}),
    ],
)
def test_activations_that_are_computed_again_leave_the_gradient(read: Callable, name: str, options: dict) -> None:
    recomputed = read(name)
    recomputed.merge_from_dict(options)
    assert_close(gradients(recomputed), gradients(read(name)))


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
@pytest.mark.parametrize('name', [MIT, HRNET, 'backbones/focal_vit-b.py'])
def test_mixed_precision_with_loss_scaling(read: Callable, name: str, dtype: torch.dtype) -> None:
    # mmengine's wrapper wants an accelerator; this is what it does.
    cfg = read(name)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    batch = next(iter(Runner.build_dataloader(cfg.train_dataloader)))
    batch = model.data_preprocessor(batch, training=True)

    def gradient(half: bool, scale: float) -> Tensor:
        model.zero_grad()
        with torch.autocast('cpu', dtype, enabled=half):
            loss, _ = model.parse_losses(model(**batch, mode='loss'))
        assert loss.dtype == torch.float32
        (scale * loss).backward()
        return torch.cat([weight.grad.flatten() for weight in model.parameters() if weight.grad is not None]) / scale

    expected = gradient(half=False, scale=1.0)
    # A dynamic scaler begins at 2 ** 16 and halves where the gradient overflows.
    found = next(each for power in range(16, 7, -1) if (each := gradient(half=True, scale=2.0**power)).isfinite().all())
    assert torch.cosine_similarity(found, expected, dim=0) > 0.9
    torch.testing.assert_close(found.norm(), expected.norm(), rtol=0.1, atol=0)
