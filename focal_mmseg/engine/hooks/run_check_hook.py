"""Stops a run at its start that could only end wrong, or end late."""

from typing import Any

from mmengine.hooks import CheckpointHook, EarlyStoppingHook, Hook
from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop
from mmseg.models import SegDataPreProcessor
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import HOOKS
from torch import Tensor, nn

from focal_mmseg.engine.mask_checks import require_forged, require_masks_as_labels
from focal_mmseg.engine.metric_names import require_metric
from focal_mmseg.evaluation import ForgeryMetric
from focal_mmseg.models.losses import ContrastiveLoss
from focal_mmseg.utils import ConfigError


@HOOKS.register_module()
class RunCheckHook(Hook):
    """Looks at the masks and at the names of metrics before the first step, at the sizes of the images before a batch.

    - Contrastive losses in a head with a classifier.
    - Masks in black and white that mmseg's ``LoadAnnotations`` would read as labels, see
      :func:`require_masks_as_labels`.
    - Validation and test sets without a forged pixel that nobody declared pristine, see :func:`require_forged`.
    - Metrics that ``save_best``, ``EarlyStoppingHook`` and ``ReduceOnPlateau`` schedulers wait for and no evaluator
      gives, see :func:`require_metric`.
    - Images of two sizes in a batch of a validation or test.
    """

    priority = 'VERY_HIGH'

    def before_run(self, runner: Runner) -> None:
        """Look at what is built by now.

        Raises:
            ConfigError: See the class.
        """
        _require_fitting_losses(runner.model)
        for part in ('train', 'val', 'test'):
            loop = getattr(runner, f'_{part}_loop')
            if not isinstance(loop, BaseLoop):
                continue
            dataset, key = loop.dataloader.dataset, f'{part}_dataloader'
            require_masks_as_labels(dataset, key)
            if part != 'train' and not _may_be_pristine(loop):
                require_forged(dataset, key)
        if isinstance(runner._train_loop, BaseLoop) and isinstance(runner._val_loop, BaseLoop):
            for option, name in _awaited(runner):
                require_metric(runner._val_loop, name, option)

    def before_val_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Look at the sizes of the images."""
        _require_one_size(runner, data_batch, 'val_dataloader')

    def before_test_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Look at the sizes of the images."""
        _require_one_size(runner, data_batch, 'test_dataloader')


def _require_fitting_losses(model: Any) -> None:
    """Refuse a contrastive loss that would get class scores."""
    # The DeepSpeed wrapper is no nn.Module.
    for name, head in getattr(model, 'module', model).named_modules():
        if not isinstance(head, BaseDecodeHead) or type(head).loss_by_feat is not BaseDecodeHead.loss_by_feat:
            continue
        for loss in head.loss_decode if isinstance(head.loss_decode, nn.ModuleList) else [head.loss_decode]:
            if isinstance(loss, ContrastiveLoss):
                raise ConfigError(
                    f'model.{name}.loss_decode: {type(loss).__name__} compares embeddings, but '
                    f'{type(head).__name__} gives class scores: use it in a FOCALHead, or give this head a loss such '
                    'as CrossEntropyLoss'
                )


def _may_be_pristine(loop: BaseLoop) -> bool:
    """Whether the config says so."""
    metrics = loop.evaluator.metrics if hasattr(loop, 'evaluator') else ()
    return any(isinstance(metric, ForgeryMetric) and metric.pristine_set for metric in metrics)


def _awaited(runner: Runner) -> list[tuple[str, str]]:
    """The options that name a metric of the validation, and which."""
    found = []
    for hook in runner.hooks:
        if isinstance(hook, CheckpointHook):
            found += [('default_hooks.checkpoint.save_best', name) for name in hook.save_best or () if name != 'auto']
        elif isinstance(hook, EarlyStoppingHook):
            found.append(('monitor of EarlyStoppingHook', hook.monitor))
    schedulers = runner.param_schedulers or []
    groups = schedulers.values() if isinstance(schedulers, dict) else [schedulers]
    for scheduler in (each for group in groups for each in group):
        if hasattr(scheduler, 'monitor'):
            found.append((f'monitor of {type(scheduler).__name__}', scheduler.monitor))
    return found


def _require_one_size(runner: Runner, data_batch: Any, key: str) -> None:
    """Refuse a batch that cannot be stacked: mmseg's preprocessor pads in training alone."""
    model = getattr(runner.model, 'module', runner.model)
    if getattr(type(getattr(model, 'data_preprocessor', None)), 'forward', None) is not SegDataPreProcessor.forward:
        return
    inputs = data_batch.get('inputs') if isinstance(data_batch, dict) else None
    for view in [inputs] if inputs and isinstance(inputs[0], Tensor) else inputs or ():
        sizes = {tuple(image.shape[-2:]) for image in view}
        if len(sizes) > 1:
            shown = ' and '.join(f'{width}x{height}' for height, width in sorted(sizes)[:2])
            raise ConfigError(
                f'a batch of {key} holds images of {shown}, which cannot be stacked: set {key}.batch_size=1, or put a '
                'Resize(keep_ratio=False) into the pipeline'
            )
