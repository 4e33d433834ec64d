"""Warns of a training that sees no forgeries."""

from collections.abc import Iterator
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import Tensor

FORGED, IGNORED = 1, 255


@HOOKS.register_module()
class ForgedPixelsHook(Hook):
    """Warns when so many steps in a row had no forged pixel: a contrastive loss is zero there, and nothing is learned.

    Whatever the cause, as masks that are read wrongly, it shows in the masks that a step gets.

    Args:
        steps (int): At least 1. Defaults to 50.

    Raises:
        ValueError: If ``steps`` is below 1.
    """

    def __init__(self, steps: int = 50) -> None:
        if steps < 1:
            raise ValueError(f'steps must be at least 1, got {steps}')
        self.steps = steps
        self._without = 0
        self._ignored = False

    def before_train(self, runner: Runner) -> None:
        """Begin to count."""
        self._without, self._ignored = 0, False

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Look for a forged pixel in the masks of the step."""
        masks = list(_masks(data_batch))
        if not masks:
            return
        if any((mask == FORGED).any() for mask in masks):
            self._without, self._ignored = 0, False
            return
        self._without += 1
        self._ignored |= any(bool((mask == IGNORED).any()) for mask in masks)
        if self._without == self.steps:
            runner.logger.warning(self._message())

    def _message(self) -> str:
        """What is wrong, and why it can be."""
        why = (
            'The masks hold 255, pixels to ignore: masks in black and white that were read as labels do, which '
            'LoadForgeryMask in the place of LoadAnnotations mends.'
            if self._ignored
            else 'Every mask is empty: are seg_map_suffix, forged_is and mask_threshold of train_dataloader.dataset '
            'those of the files, do images have masks at all (pristine_without_mask=True takes those without for '
            'pristine), and do crops meet the forgeries?'
        )
        return f'{self._without} steps in a row without a forged pixel: nothing is learned from them. {why}'


def _masks(data_batch: Any) -> Iterator[Tensor]:
    """The masks of a batch; none of one that has none."""
    samples = data_batch.get('data_samples') if isinstance(data_batch, dict) else None
    for sample in samples or ():
        if 'gt_sem_seg' in sample:
            yield sample.gt_sem_seg.data
