"""How far a training or a test is: bars on a terminal, a line each half minute in a log."""

import atexit
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from mmengine.dist import get_world_size, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from focal_mmseg.engine.latest_checkpoint import counts_epochs
from focal_mmseg.evaluation import ForgeryMetric
from focal_mmseg.utils.progress import PACE_OF, Bars
from focal_mmseg.utils.screen import calm

# Steps whose mean loss is shown.
LOSSES = 50
# Seconds between two marks of how far a training was when.
MARK = 1.0


@HOOKS.register_module()
class ProgressHook(Hook):
    """Shows how far a training, a validation or a test is, on standard error, and the time left.

    mmengine's lines of each so many steps are in its log file alone then. The log files of its ``LoggerHook`` and what
    trackers get stay as they are.

    Args:
        clock (Callable): The time in seconds. Defaults to ``time.monotonic``.
    """

    priority = 'LOWEST'

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._bars: Bars | None = None
        self._training: int | None = None
        self._images: int | None = None
        self._done = 0
        self._pace: TrainingPace | None = None

    def before_run(self, runner: Runner) -> None:
        """Keep the lines of steps off the screen."""
        calm(runner.logger)

    def before_train(self, runner: Runner) -> None:
        """Begin the bar of the training."""
        self._pace = TrainingPace(self._clock)
        self._begin()
        if self._bars is not None:
            self._training = self._bars.add('training', runner.max_iters)
            self._bars.update(self._training, runner.iter)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        """A step more is done."""
        if self._pace is not None:
            self._pace.step(runner.iter + 1)
        if self._bars is not None and self._bars.is_time:
            self._show_training(runner, runner.iter + 1)

    def after_train(self, runner: Runner) -> None:
        """End the bar."""
        if self._bars is not None and self._training is not None:
            self._bars.update(self._training, runner.iter)
        self.end()

    def before_val(self, runner: Runner) -> None:
        """Begin the bar of a validation."""
        if self._pace is not None:
            self._pace.begin_validation()
        self._begin()
        if self._bars is not None:
            if self._training is not None:
                print(f'Validation after {runner.iter} steps')
            self._begin_images('validation', runner.val_dataloader)

    def after_val_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Some images more are done."""
        if self._bars is not None and self._training is not None and self._bars.is_time:
            # Of the step that is validated the loop has counted already.
            self._update_training(runner, runner.iter)
        self._advance(outputs)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Print the figures that nobody has printed yet."""
        _print_others(runner.val_evaluator, metrics)

    def after_val(self, runner: Runner) -> None:
        """End the bar of the validation."""
        if self._pace is not None:
            self._pace.end_validation()
        if self._bars is not None and self._images is not None:
            self._bars.remove(self._images)
        if self._training is None:
            self.end()

    def before_test(self, runner: Runner) -> None:
        """Begin the bar of the test."""
        self._begin()
        self._begin_images('testing', runner.test_dataloader)

    def after_test_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Some images more are done; what is printed at the end of a test stands below the bar."""
        self._advance(outputs)
        if batch_idx + 1 == len(runner.test_dataloader):
            self.end()

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Print the figures that nobody has printed yet."""
        _print_others(runner.test_evaluator, metrics)

    def after_test(self, runner: Runner) -> None:
        """End the bar of a test without images."""
        self.end()

    def end(self) -> None:
        """End the bars, whatever they are at."""
        if self._bars is not None:
            self._bars.__exit__()
            atexit.unregister(self.end)
        self._bars = self._training = self._images = self._pace = None

    def _begin(self) -> None:
        """Show bars from now on, in the first of several processes."""
        if self._bars is None and is_main_process():
            self._bars = Bars(self._clock).__enter__()
            # mmengine's own runner tells hooks nothing of an error, and a terminal wants its cursor back.
            atexit.register(self.end)

    def _begin_images(self, name: str, dataloader: Any) -> None:
        if self._bars is not None:
            self._images = self._bars.add(name, len(dataloader.dataset))
            self._done = 0

    def _advance(self, outputs: Any) -> None:
        """So many images as the outputs are of; each process has its share of them."""
        if self._bars is not None and self._images is not None:
            self._done += len(outputs) * get_world_size()
            self._bars.update(self._images, self._done)
            self._bars.show()

    def _show_training(self, runner: Runner, done: int) -> None:
        self._update_training(runner, done)
        if self._bars is not None:
            self._bars.show()

    def _update_training(self, runner: Runner, done: int) -> None:
        """How far the training is, with its loss."""
        if self._bars is None or self._training is None or self._pace is None:
            return
        losses = runner.message_hub.log_scalars.get('train/loss')
        name = 'training' if losses is None else f'training, loss {losses.mean(LOSSES):.4g}'
        left = self._pace.left(runner.max_iters - done, validations_left(runner, done), _validation_steps(runner))
        self._bars.update(self._training, done, name=name, seconds_left=left)


class TrainingPace:
    """How long a training still takes, whose steps are interrupted by validations.

    Args:
        clock (Callable): The time in seconds.

    Examples:
        >>> now = [0.0]
        >>> pace = TrainingPace(lambda: now[0])
        >>> for step in (1, 2, 3):
        ...     now[0] += 2.0
        ...     pace.step(step)
        >>> pace.left(10, 0, 0)
        20.0
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        # Steps that were done, by the time without validations.
        self._marks: deque[tuple[float, int]] = deque()
        self._last: tuple[float, int] | None = None
        self._validating = 0.0
        self._began: float | None = None
        self._validation: float | None = None

    def step(self, done: int) -> None:
        """So many steps are done."""
        now = self._clock() - self._validating
        self._last = now, done
        if not self._marks or now - self._marks[-1][0] >= MARK:
            self._marks.append(self._last)
        while len(self._marks) > 2 and now - self._marks[1][0] > PACE_OF:
            self._marks.popleft()

    def begin_validation(self) -> None:
        """The training waits for a validation."""
        self._began = self._clock()

    def end_validation(self) -> None:
        """It goes on."""
        if self._began is not None:
            self._validation = self._clock() - self._began
            self._validating += self._validation
        self._began = None

    def left(self, steps: int, validations: int, steps_of_validation: float) -> float | None:
        """Seconds that are left.

        Args:
            steps (int): That are left.
            validations (int): That are not begun.
            steps_of_validation (float): How many steps a validation is worth; a guess, until one has been seen.

        Returns:
            float | None: None before the second step.
        """
        if self._last is None or self._last[1] == self._marks[0][1]:
            return None
        (start, begun), (now, done) = self._marks[0], self._last
        pace = (now - start) / (done - begun)
        each = steps_of_validation * pace if self._validation is None else self._validation
        running = 0.0 if self._began is None else max(0.0, each - (self._clock() - self._began))
        return steps * pace + validations * each + running


def validations_left(runner: Runner, done: int) -> int:
    """How many validations a training has after so many steps.

    Args:
        runner (Runner): In a training.
        done (int): Steps; of epochs those that are complete count.
    """
    if runner.val_loop is None:
        return 0
    loop, most = runner.train_loop, runner.max_iters
    if counts_epochs(loop):
        done, most = done // len(loop.dataloader), runner.max_epochs
    every, first = loop.val_interval, loop.val_begin
    due = most // every - max(done, first - 1) // every
    at_end = most % every != 0 and most >= first
    return max(0, due) + (at_end and done < most)


def _validation_steps(runner: Runner) -> float:
    """How many steps have as many images as a validation."""
    if runner.val_loop is None:
        return 0.0
    batch = getattr(runner.train_dataloader, 'batch_size', None) or 1
    return len(runner.val_dataloader.dataset) / (batch * get_world_size())


def _print_others(evaluator: Any, metrics: dict[str, float] | None) -> None:
    """Print the figures of other metrics than ForgeryMetric, which prints its own."""
    if not metrics or not is_main_process():
        return
    ours = tuple(f'{each.prefix}/' for each in evaluator.metrics if isinstance(each, ForgeryMetric))
    others = [
        f'{name}: {value:.4f}' for name, value in metrics.items() if not name.startswith(ours) and _is_number(value)
    ]
    if others:
        print('  '.join(others))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) or getattr(value, 'ndim', None) == 0
