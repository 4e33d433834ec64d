"""Runs that could only end wrong are stopped at their start."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.hooks import EarlyStoppingHook
from mmengine.registry import init_default_scope
from mmseg.models import SegDataPreProcessor
from mmseg.registry import MODELS

from focal_mmseg.engine import RunCheckHook
from focal_mmseg.engine.hooks.atomic_checkpoint_hook import AtomicCheckpointHook
from focal_mmseg.engine.hooks.run_check_hook import _awaited, _require_fitting_losses
from focal_mmseg.engine.metric_names import require_metric
from focal_mmseg.utils import ConfigError


class Other(BaseMetric):
    """A metric of which nothing is known but its prefix."""

    def process(self, data_batch: object, data_samples: list) -> None:
        """Nothing."""

    def compute_metrics(self, results: list) -> dict:
        return {}


class Places(list):
    """A data set by what is asked of it: pairs of set and kind."""

    def get_data_info(self, index: int) -> dict:
        return dict(zip(('dataset_name', 'kind'), self[index], strict=True))


def loop(*metrics: Any, places: tuple = (('mine', 'splice'),)) -> Callable[[], SimpleNamespace]:
    """Makes what is asked of a validation loop."""
    loader = SimpleNamespace(dataset=Places(places))
    return lambda: SimpleNamespace(evaluator=Evaluator(list(metrics)), dataloader=loader)


OURS = dict(type='ForgeryMetric')
SETS = (('one', 'splice'), ('one', 'pristine'), ('two', ''))


@pytest.mark.parametrize(
    ('name', 'built'),
    [
        ('forgery/iou', loop(OURS)),
        ('forgery/pooled_auc', loop(OURS)),
        ('forgery/one/splice/iou', loop(OURS, places=SETS)),
        ('forgery/mean of sets/image_f1', loop(OURS, places=SETS)),
        ('mine/iou', loop(dict(OURS, prefix='mine'))),
        ('mIoU', loop(OURS, dict(type='IoUMetric', iou_metrics=['mIoU']))),
        ('mPrecision', loop(dict(type='IoUMetric', iou_metrics=['mFscore']))),
        ('anything', loop(OURS, Other())),
        ('other/anything', loop(OURS, Other(prefix='other'))),
    ],
)
def test_metrics_that_an_evaluator_gives_or_may_give_are_waited_for(name: str, built: Callable) -> None:
    require_metric(built(), name, 'save_best')


def test_of_images_that_cannot_be_asked_only_the_prefix_counts() -> None:
    built = SimpleNamespace(evaluator=Evaluator([OURS]), dataloader=SimpleNamespace(dataset=[dict(inputs=1)]))
    require_metric(built, 'forgery/any set/iou', 'save_best')
    with pytest.raises(ConfigError, match="'iou', which no evaluator"):
        require_metric(built, 'iou', 'save_best')


@pytest.mark.parametrize(
    ('name', 'built', 'says'),
    [
        ('forgery/iuo', loop(OURS), r"waits for the metric 'forgery/iuo'.*there are.*forgery/iou"),
        ('iou', loop(OURS), 'forgery/'),
        ('forgery/mean of sets/iou', loop(OURS), 'forgery/'),
        ('forgery/iou', loop(dict(type='IoUMetric', iou_metrics=['mIoU'])), 'there are.*mIoU'),
        ('mDice', loop(dict(type='IoUMetric', iou_metrics=['mIoU'])), 'there are.*mIoU'),
        ('anything', loop(OURS, Other(prefix='other')), 'forgery/'),
    ],
)
def test_a_metric_that_no_evaluator_gives_is_refused(name: str, built: Callable, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        require_metric(built(), name, 'save_best')


def test_every_option_that_names_a_metric_is_looked_at() -> None:
    hooks = [AtomicCheckpointHook(save_best=['a', 'auto_b'], rule='less'), AtomicCheckpointHook(save_best='auto')]
    hooks.append(EarlyStoppingHook(monitor='c', rule='less'))
    schedulers = [SimpleNamespace(), SimpleNamespace(monitor='d')]
    runner = SimpleNamespace(hooks=hooks, param_schedulers=schedulers)
    assert [name for _, name in _awaited(runner)] == ['a', 'auto_b', 'c', 'd']
    assert [name for _, name in _awaited(SimpleNamespace(hooks=[], param_schedulers=dict(x=schedulers)))] == ['d']
    assert not _awaited(SimpleNamespace(hooks=[], param_schedulers=None))


def test_images_of_two_sizes_in_a_tested_batch_are_named() -> None:
    runner = SimpleNamespace(model=SimpleNamespace(data_preprocessor=SegDataPreProcessor()))
    one, other = torch.zeros(3, 4, 5), torch.zeros(3, 6, 5)
    hook = RunCheckHook()
    for same in ([one, one], [other], [[one, one], [other, other]]):
        hook.before_test_iter(runner, 0, dict(inputs=same))
    for mixed in ([one, other], [[one, one], [one, other]]):
        with pytest.raises(ConfigError, match=r'5x4 and 5x6.*test_dataloader\.batch_size=1'):
            hook.before_test_iter(runner, 0, dict(inputs=mixed))
    with pytest.raises(ConfigError, match=r'val_dataloader\.batch_size=1'):
        hook.before_val_iter(runner, 0, dict(inputs=[one, other]))


def test_a_contrastive_loss_in_a_classifier_is_refused(root: Path) -> None:
    init_default_scope('mmseg')
    cfg = Config.fromfile(root / 'configs' / 'demo' / 'fcn_hrnet-compact.py')
    _require_fitting_losses(MODELS.build(cfg.model))
    cfg.model.decode_head.loss_decode = [dict(type='CrossEntropyLoss'), dict(type='InfoNCEPlusPlusLoss')]
    with pytest.raises(ConfigError, match=r'model\.decode_head\.loss_decode: InfoNCEPlusPlusLoss.*FCNHead'):
        _require_fitting_losses(MODELS.build(cfg.model))


@pytest.mark.parametrize(
    ('options', 'says'),
    [
        (['default_hooks.checkpoint.save_best=forgery/iuo'], r"^train\.py: .*'forgery/iuo'"),
        (
            ['train_dataloader.dataset.pipeline.1.type=LoadAnnotations'],
            r'^train\.py: train_dataloader.*LoadForgeryMask',
        ),
    ],
)
def test_a_training_is_stopped_in_one_line_before_its_first_step(
    root: Path, run_tool: Callable, small_config: Callable, tmp_path: Path, options: list[str], says: str
) -> None:
    cfg = small_config(root / 'configs' / 'focal_mit.py')
    cfg.model = Config.fromfile(root / 'configs' / 'demo' / 'focal_mit-compact.py').model
    cfg.dump(tmp_path / 'config.py')
    command = (root / 'tools' / 'train.py', tmp_path / 'config.py', '--work-dir', tmp_path / 'out')
    with pytest.raises(SystemExit, match=says):
        run_tool(*command, '--cfg-options', *options)
    assert not list((tmp_path / 'out').glob('*.pth'))
