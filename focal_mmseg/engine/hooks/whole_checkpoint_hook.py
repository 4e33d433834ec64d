"""Checkpoints that are written whole, beside those that they replace."""

from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.fileio import LocalBackend, register_backend
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from focal_mmseg.utils import written_whole

NAME = 'focal_whole'


@register_backend(NAME, force=True)
class WholeBackend(LocalBackend):
    """mmengine's local files, each written whole or not at all, and removed only when that is asked for again."""

    def __init__(self) -> None:
        super().__init__()
        self.replaced: list[Path] = []

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes; see mmengine."""
        with written_whole(filepath) as part:
            super().put(obj, part)

    def remove(self, filepath: str | Path) -> None:
        """Remove the file later."""
        self.replaced.append(Path(filepath))

    def rmtree(self, dir_path: str | Path) -> None:
        """Remove the folder later."""
        self.replaced.append(Path(dir_path))

    def remove_replaced(self, but: set[str]) -> None:
        """Remove what is to be removed, but what has been written anew since."""
        for path in self.replaced:
            if str(path) not in but:
                super().rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        self.replaced = []


@HOOKS.register_module()
class WholeCheckpointHook(CheckpointHook):
    """mmengine's ``CheckpointHook``, whose arguments it has, with which a kill at any moment loses no checkpoint.

    A local file gets its name when it is written to its end, and what it replaces, the best one before or the one that
    ``max_keep_ckpts`` no longer keeps, is removed after that; mmengine does the latter before.

    A validation without the figure that ``save_best`` names, as one of whole images where none is pristine, keeps no
    best checkpoint, and the log says so; mmengine's stops the training.
    """

    def before_train(self, runner: Runner) -> None:
        """See mmengine."""
        super().before_train(runner)
        if type(self.file_backend) is LocalBackend:
            self.file_backend, self.backend_args = WholeBackend(), dict(backend=NAME)

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        # The best one is written by now. What this call writes will not know the one before it.
        self._remove_replaced()
        super()._save_checkpoint_with_step(runner, step, meta)
        self._remove_replaced()

    def _save_best_checkpoint(self, runner: Runner, metrics: dict[str, Any]) -> None:
        wanted = [name for name in self.key_indicators if name != 'auto'] if self.save_best else []
        missing = [name for name in wanted if name not in metrics]
        if missing:
            runner.logger.warning(
                f'no checkpoint is kept as the best: the validation gave no {", ".join(missing)}, which '
                'default_hooks.checkpoint.save_best names; a figure is missing where no image defines it, as image_* '
                'without pristine and forged images'
            )
        super()._save_best_checkpoint(runner, {**metrics, **dict.fromkeys(missing)})
        self._remove_replaced()

    def _remove_replaced(self) -> None:
        """Remove what was replaced."""
        if isinstance(getattr(self, 'file_backend', None), WholeBackend) and is_main_process():
            kept = [self.last_ckpt, getattr(self, 'best_ckpt_path', None)]
            kept += getattr(self, 'best_ckpt_path_dict', {}).values()
            self.file_backend.remove_replaced({str(path) for path in kept if path})
