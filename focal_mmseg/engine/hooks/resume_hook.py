"""What a training leaves and does so that it can be resumed."""

from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop, Runner
from mmseg.registry import HOOKS

from focal_mmseg.engine.loops import counts_epochs
from focal_mmseg.engine.resuming import LAST, NOTHING_YET
from focal_mmseg.utils import atomic_write


@HOOKS.register_module()
class ResumeHook(Hook):
    """Marks the start of a training, and makes up for a validation in which one was killed.

    A training that starts anew writes into ``last_checkpoint`` that it has none yet, so that ``--resume`` leaves alone
    what an earlier one left in the same work dir. Checkpoints are written before the validation at their step, or
    at the end of their epoch; a resumed training whose checkpoint is of such a one begins with that validation, so that
    the best checkpoint is the one that an uninterrupted training would have kept.
    """

    # After mmengine's CheckpointHook, which must know the best checkpoint by then.
    priority = 'LOWEST'

    def before_train(self, runner: Runner) -> None:
        """See the class."""
        if runner.iter == 0 and is_main_process():
            with atomic_write(Path(runner.work_dir) / LAST) as part:
                part.write_text(NOTHING_YET, encoding='utf-8')
        if runner.iter and runner.val_loop is not None and _is_validation_due(runner):
            runner.val_loop.run()


def _is_validation_due(runner: Runner) -> bool:
    """Whether an uninterrupted training would validate at the step, or the end of the epoch, that is resumed from."""
    loop = runner.train_loop
    by_epoch = counts_epochs(loop)
    if by_epoch and runner.iter != runner.epoch * len(loop.dataloader):
        return False
    if not by_epoch and not isinstance(loop, IterBasedTrainLoop):
        return False
    done, most = (runner.epoch, runner.max_epochs) if by_epoch else (runner.iter, runner.max_iters)
    loop._decide_current_val_interval()
    return done >= loop.val_begin and (done % loop.val_interval == 0 or done == most)
