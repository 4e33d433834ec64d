"""A toy model and real runners for the tests of the engine."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.runner import Runner
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import Tensor, nn

NUMBER = itertools.count()


class Toy(BaseModel):
    """One layer whose outputs are the forged scores of an image one pixel high."""

    out_channels = 2

    def __init__(self, width: int = 3, layer: str = 'layer') -> None:
        super().__init__()
        self.layer_name = layer
        self.add_module(layer, nn.Linear(2, width))
        self.shared = nn.Parameter(torch.randn(2)) if layer == 'layer' else None

    def forward(self, inputs: list[Tensor], mode: str = 'tensor') -> object:
        scores = getattr(self, self.layer_name)(torch.stack(inputs))
        if mode == 'loss':
            return dict(loss=scores.square().mean())
        logits = [PixelData(data=torch.stack([-score, score])[:, None]) for score in scores]
        return [SegDataSample(seg_logits=logit, metainfo=dict(img_path='1.jpg')) for logit in logits]


class Count(BaseMetric):
    """How many images were tested."""

    default_prefix = 'toy'

    def process(self, data_batch: object, data_samples: list[dict]) -> None:
        self.results += data_samples

    def compute_metrics(self, results: list[dict]) -> dict[str, int]:
        return dict(tested=len(results))


@pytest.fixture
def toy() -> type[Toy]:
    return Toy


@pytest.fixture
def runner(tmp_path: Path) -> Callable[..., Runner]:
    """Builds a runner with the hook for a model: 2 images of 2 views each; training saves iter_1.pth."""

    def build(model: BaseModel, train: bool = False, views: int = 0, iters: int = 1, **options: object) -> Runner:
        image = torch.ones(2)
        data = [dict(inputs=[image] * views if views else image) for _ in range(2)]
        loader = dict(dataset=data, batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False))
        if train:
            loops = dict(
                train_dataloader=loader,
                train_cfg=dict(type='IterBasedTrainLoop', max_iters=iters),
                optim_wrapper=dict(optimizer=dict(type='Adam', lr=1e-3)),
                default_hooks=dict(checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=1)),
            )
        else:
            loops = dict(test_dataloader=loader, test_cfg=dict(type='TestLoop'), test_evaluator=[Count()])
        return Runner(
            model=model,
            work_dir=str(tmp_path / 'work'),
            custom_hooks=[dict(type='CheckpointFitHook')],
            default_scope='mmseg',
            experiment_name=f'toy{next(NUMBER)}',
            log_level='ERROR',
            **loops,
            **options,
        )

    return build


@pytest.fixture
def trained(runner: Callable[..., Runner], tmp_path: Path) -> Path:
    """A checkpoint that mmengine's hook wrote in a training of the toy model."""
    runner(Toy(), train=True).train()
    return tmp_path / 'work' / 'iter_1.pth'
