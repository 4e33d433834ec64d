"""How far a long command is: bars on a terminal, a line each half minute in a log."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import suppress
from datetime import timedelta
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

Item = TypeVar('Item')

# Seconds between two lines in a log, and between two drawings on a terminal.
IN_LOG, ON_TERMINAL = 30.0, 0.2
# The time left goes by the pace of so many seconds: long enough for slow steps, short enough to forget a slow start.
PACE_OF = 600.0


class Bars:
    """Bars of tasks that run at once, on standard error; what is printed meanwhile stands above them.

    No thread draws them, so that processes may be forked meanwhile: :meth:`show` and :meth:`advance` do.

    Args:
        clock (Callable): The time in seconds. Defaults to ``time.monotonic``.

    Examples:
        >>> with Bars() as bars:
        ...     images = bars.add('images', 2)
        ...     bars.advance(images)
        ...     bars.advance(images)
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        console = Console(stderr=True)
        columns = (TextColumn('{task.description}', markup=False), BarColumn(), _Words(_count), _Words(_left))
        self._bars = Progress(
            *columns,
            console=console,
            auto_refresh=False,
            # Printed into a file it must not go to the terminal.
            redirect_stdout=sys.stdout.isatty(),
            get_time=clock,
            speed_estimate_period=PACE_OF,
        )
        self._clock = clock
        self._on_terminal = console.is_terminal
        self._period = ON_TERMINAL if self._on_terminal else IN_LOG
        self._shown = clock()

    def __enter__(self) -> 'Bars':
        if self._on_terminal:
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._on_terminal:
            self._bars.refresh()
            self._bars.stop()

    def add(self, name: str, total: int | None = None) -> int:
        """Add a bar.

        Args:
            name (str): What is counted, as ``'images'``.
            total (int, optional): How many there are; None while that is not known.

        Returns:
            int: Its number.
        """
        return self._bars.add_task(name, total=total)

    @property
    def is_time(self) -> bool:
        """Whether :meth:`show` would show something."""
        return self._clock() - self._shown >= self._period

    def advance(self, bar: int, by: int = 1) -> None:
        """So many more are done; show it if it is time to."""
        self._bars.advance(TaskID(bar), by)
        self.show()

    def update(
        self,
        bar: int,
        done: int = 0,
        total: int | None = None,
        name: str | None = None,
        seconds_left: float | None = None,
    ) -> None:
        """So many are done, of so many; :meth:`show` shows it.

        Args:
            bar (int): Of :meth:`add`.
            done (int): So many are. Defaults to 0.
            total (int, optional): Defaults to what it was.
            name (str, optional): Defaults to what it was.
            seconds_left (float, optional): Defaults to what the pace of the bar tells.
        """
        self._bars.update(TaskID(bar), completed=done, total=total, description=name)
        if seconds_left is not None:
            self._bars.update(TaskID(bar), seconds_left=seconds_left)

    def remove(self, bar: int) -> None:
        """Take a bar away."""
        if self._on_terminal:
            # How it ended is seen, however quick it was.
            self._bars.refresh()
        self._bars.remove_task(TaskID(bar))

    def show(self) -> None:
        """Draw the bars, or write a line of them, if it is time to."""
        if not self.is_time:
            return
        self._shown = self._clock()
        if self._on_terminal:
            self._bars.refresh()
        else:
            print('; '.join(map(_line, self._bars.tasks)), file=sys.stderr, flush=True)


class _Words(ProgressColumn):
    """A column of words about a bar."""

    def __init__(self, words: Callable[[Task], str]) -> None:
        super().__init__()
        self._words = words

    def render(self, task: Task) -> Text:
        """See ``ProgressColumn``."""
        return Text(self._words(task))


def _count(task: Task) -> str:
    if task.total is None:
        return f'{task.completed:g}' if task.completed else ''
    return f'{task.completed:g} of {task.total:g}'


def _left(task: Task) -> str:
    seconds = task.fields.get('seconds_left', task.time_remaining)
    return '' if task.finished or seconds is None else f'{format_duration(seconds)} left'


def _line(task: Task) -> str:
    """A bar in words."""
    more = ', '.join(filter(None, (_count(task), _left(task))))
    return f'{task.description}: {more}' if more else task.description


def format_duration(seconds: float) -> str:
    """A time as people say it: ``'0:05:10'``, or with days before it."""
    return str(timedelta(seconds=round(seconds)))


def track(items: Iterable[Item], name: str, total: int | None = None) -> Iterator[Item]:
    """Give items one by one, and show how far it is; one counts when the next is asked for.

    Args:
        items (Iterable): What is done one after the other.
        name (str): What they are, as ``'images'``.
        total (int, optional): How many; default their length, if they have one.

    Yields:
        Any: The items.
    """
    if total is None and isinstance(items, Sized):
        with suppress(TypeError):
            total = len(items)
    with Bars() as bars:
        bar = bars.add(name, total)
        for item in items:
            yield item
            bars.advance(bar)
