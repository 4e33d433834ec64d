"""mmengine's runner, with a screen for people."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.runner import Runner
from mmseg.registry import RUNNERS

from focal_mmseg.utils.screen import calm, silence_notices

from .hooks.progress_hook import ProgressHook


@RUNNERS.register_module()
class FOCALRunner(Runner):
    """mmengine's Runner, whose arguments it has. Settings, hooks and the figures of steps are in its log file alone."""

    def build_logger(self, *args: Any, **options: Any) -> MMLogger:
        """See mmengine."""
        return calm(super().build_logger(*args, **options))

    def register_hook(self, hook: Hook | dict, priority: Any = None) -> None:
        """See mmengine."""
        with silence_notices():
            super().register_hook(hook, priority)

    def load_checkpoint(self, *args: Any, **options: Any) -> Any:
        """See mmengine."""
        with silence_notices():
            return super().load_checkpoint(*args, **options)

    def train(self) -> Any:
        """See mmengine; the bars end with it, however it ends."""
        try:
            return super().train()
        finally:
            self._end_bars()

    def test(self) -> dict[str, float]:
        """See mmengine; the bars end with it, however it ends."""
        try:
            return super().test()
        finally:
            self._end_bars()

    def _end_bars(self) -> None:
        for hook in self.hooks:
            if isinstance(hook, ProgressHook):
                hook.end()
