"""How far a row of trainings and tests is, on the screen."""

import re
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

# Seconds between two looks into a log: on a terminal one line is written over, elsewhere each look is a line.
ON_TERMINAL, ELSEWHERE = 30.0, 300.0
TAIL = 4096


def progress_of(log: Path) -> str:
    """What a training or test last logged of itself, as ``'120 of 1000, 0:05:10 left'``; '' where there is nothing."""
    with log.open('rb') as file:
        file.seek(max(0, log.stat().st_size - TAIL))
        text = file.read().decode(errors='replace')
    found = re.findall(r'Iter\((?:train|test)\) *\[ *(\d+)/(\d+)\][^\n]*?eta: ([^\n]+?)  ', text)
    return '{} of {}, {} left'.format(*found[-1]) if found else ''


class Progress:
    """Says what is done and how long the rest takes, by the mean time of those of its kind.

    Args:
        kinds (Sequence[str]): Of all that is to be done, in order, as ``'training'``.
    """

    def __init__(self, kinds: Sequence[str]) -> None:
        self._kinds = kinds
        self._seconds: dict[str, list[float]] = {}
        self._number = 0
        self._start = 0.0

    @property
    def period(self) -> float:
        """Seconds between two calls of :meth:`watch`."""
        return ON_TERMINAL if sys.stdout.isatty() else ELSEWHERE

    def begin(self, title: str) -> None:
        """Something is begun."""
        print(f'{self._number + 1} of {len(self._kinds)}: {title}{self._left()}', flush=True)
        self._start = time.monotonic()

    def watch(self, log: Path) -> None:
        """It goes on."""
        text = progress_of(log)
        if text:
            over, end = ('\r\033[K', '') if sys.stdout.isatty() else ('', '\n')
            print(f'{over}  {text}', end=end, flush=True)

    def end(self, is_done: bool) -> None:
        """It is done, or failed, of which the time says nothing."""
        if sys.stdout.isatty():
            print('\r\033[K', end='', flush=True)
        if is_done:
            self._seconds.setdefault(self._kinds[self._number], []).append(time.monotonic() - self._start)
        self._number += 1

    def _left(self) -> str:
        """How long it takes from here on; a kind of which nothing is done yet makes it longer."""
        waiting = Counter(self._kinds[self._number :])
        known = [mean(self._seconds[kind]) * number for kind, number in waiting.items() if kind in self._seconds]
        how = 'about' if len(known) == len(waiting) else 'more than'
        return f', {how} {sum(known) / 60:.0f} min left' if known else ''
