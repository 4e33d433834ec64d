"""What a training leaves and does so that it can be resumed."""

from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop, Runner
from mmseg.registry import HOOKS

from focal_mmseg.engine.resuming import LAST, NOTHING_YET
from focal_mmseg.utils import written_whole


@HOOKS.register_module()
class ResumeHook(Hook):
    """Marks the start of a training, and makes up for a validation in which one was killed.

    A training that starts anew writes into ``last_checkpoint`` that it has none yet, so that ``--resume`` leaves alone
    what an earlier one left in the same work dir. Checkpoints are written before the validation at their step; a
    resumed training whose checkpoint is of such a step begins with that validation, so that the best checkpoint is the
    one that an uninterrupted training would have kept.
    """

    # After mmengine's CheckpointHook, which must know the best checkpoint by then.
    priority = 'LOWEST'

    def before_train(self, runner: Runner) -> None:
        """See the class."""
        if runner.iter == 0 and is_main_process():
            with written_whole(Path(runner.work_dir) / LAST) as part:
                part.write_text(NOTHING_YET, encoding='utf-8')
        loop = runner.train_loop
        if runner.iter == 0 or runner.val_loop is None or not isinstance(loop, IterBasedTrainLoop):
            return
        loop._decide_current_val_interval()
        is_due = runner.iter % loop.val_interval == 0 or runner.iter == runner.max_iters
        if is_due and runner.iter >= loop.val_begin:
            runner.val_loop.run()
