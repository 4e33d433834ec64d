"""Tells the sampler of a training which epoch it is, and that epochs end."""

from mmengine.dataset import InfiniteSampler
from mmengine.hooks import DistSamplerSeedHook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from focal_mmseg.datasets.numbered_sampler import NumberedSampler
from focal_mmseg.engine.loops import counts_epochs
from focal_mmseg.utils import ConfigError


@HOOKS.register_module()
class SamplerHook(DistSamplerSeedHook):
    """mmengine's ``DistSamplerSeedHook`` that also serves a training by epochs with a :class:`NumberedSampler`.

    Such a training, ``train_cfg=dict(by_epoch=True, max_epochs=...)``, needs a sampler that ends. One that is resumed
    from a checkpoint inside an epoch goes on with the rest of that epoch.
    """

    def before_run(self, runner: Runner) -> None:
        """Have the sampler end each epoch, where the training counts epochs.

        Raises:
            ConfigError: If the sampler cannot.
        """
        if not counts_epochs(runner._train_loop):
            return
        sampler = runner.train_dataloader.sampler
        if isinstance(sampler, NumberedSampler):
            sampler.end_epochs()
        elif isinstance(sampler, InfiniteSampler):
            raise ConfigError(
                f'train_cfg counts epochs, but with train_dataloader.sampler.type={type(sampler).__name__} none ends: '
                "set it to 'NumberedSampler'"
            )

    def before_train_epoch(self, runner: Runner) -> None:
        """Tell the epoch, and how much of it a resumed training has behind it."""
        super().before_train_epoch(runner)
        loader = runner.train_dataloader
        if not counts_epochs(runner.train_loop) or not isinstance(loader.sampler, NumberedSampler):
            return
        steps = runner.iter - runner.epoch * len(loader)
        if steps:
            loader.sampler.skip(steps * loader.batch_size)
