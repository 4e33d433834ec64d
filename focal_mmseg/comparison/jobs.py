"""Trainings and tests as jobs, each a process: what is there already is not done again."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from focal_mmseg.engine.latest_checkpoint import BY_EPOCH, BY_ITER, latest_checkpoint
from focal_mmseg.utils import find_tool, write_json

from .stamps import is_same, make_stamp, read_stamp

# Seconds between two looks at a process.
PERIOD = 2.0
TAIL = 4096
# Jobs run in several threads, and mmengine reads configs through what a process has once.
READING = Lock()


def run_tool(
    log: Path,
    name: str,
    *arguments: str | Path,
    threads: int | None = None,
    watch: Callable[[Path], None] | None = None,
) -> None:
    """Run one of our tools as a user would.

    Args:
        log (Path): What it prints is written there.
        name (str): Its file, as ``'test.py'``.
        *arguments (str | Path): Its arguments.
        threads (int, optional): Of the processor. Defaults to torch's choice.
        watch (Callable, optional): Is called with the log now and then; what it raises ends the tool.

    Raises:
        FileNotFoundError: If this installation has no such tool.
        RuntimeError: If it fails; names the log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    limit = {} if threads is None else dict(OMP_NUM_THREADS=str(threads))
    command = [sys.executable, str(find_tool(name)), *map(str, arguments)]
    with (
        log.open('w', encoding='utf-8') as file,
        subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=os.environ | limit) as child,
    ):
        try:
            while _runs(child, None if watch is None else PERIOD):
                if watch is not None:
                    watch(log)
        except BaseException:
            child.kill()
            raise
    if child.returncode:
        how = f'code {child.returncode}'
        if child.returncode < 0:
            how = f'signal {signal.Signals(-child.returncode).name}'
        raise RuntimeError(f'{name} ended with {how}: see {log}')


def _runs(child: subprocess.Popen, seconds: float | None) -> bool:
    """Whether it still runs after so many seconds; None waits for its end."""
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


def steps_done(log: Path) -> tuple[int, int] | None:
    """What a training or test last told of itself: how far it is, and how much there is; None before the first."""
    with log.open('rb') as file:
        file.seek(max(0, log.stat().st_size - TAIL))
        text = file.read().decode(errors='replace')
    found = re.findall(r'^(?:training|testing)\b.*?: (\d+) of (\d+)\b', text, re.MULTILINE)
    return (int(found[-1][0]), int(found[-1][1])) if found else None


@dataclass(frozen=True)
class Job:
    """A run of train.py or test.py that leaves its results in a folder.

    Attributes:
        tool (str): ``'train.py'`` or ``'test.py'``.
        folder (Path): Of its log and results.
        config (str): Config file.
        checkpoint (str | None): Its weights, if it takes any.
        options (tuple[str, ...]): ``KEY=VALUE``, as for ``--cfg-options``.
        arguments (tuple[str, ...]): Others.
        data (tuple[str, ...]): Of the data sets, as for ``--data``.
    """

    tool: str
    folder: Path
    config: str
    checkpoint: str | None = None
    options: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    data: tuple[str, ...] = ()

    def _begin(self, asked: dict[str, Any]) -> list[str]:
        """Note what is begun. A training that was begun before and left a checkpoint goes on from it."""
        note = self.folder / 'begun.json'
        begun = note.is_file() and is_same(read_stamp(note), asked)
        # An older checkpoint is of another config.
        own = begun and all(path.stat().st_mtime >= note.stat().st_mtime for path in self.folder.glob('*.pth'))
        if own and self.tool == 'train.py':
            found = [latest_checkpoint(self.folder, template)[0] for template in (BY_ITER, BY_EPOCH)]
            if any(found):
                return ['--resume']
        write_json(note, asked, indent=None)
        return []

    @property
    def is_done(self) -> bool:
        """Whether it was done by the same config, weights, options, data and version of this package."""
        stamp = self.folder / 'done.json'
        try:
            return stamp.is_file() and is_same(read_stamp(stamp), self._asked())
        except (ValueError, OSError):
            # What cannot be read is told when it is run.
            return False

    def weights(self) -> str:
        """The checkpoint that a training left last.

        Raises:
            OSError: If there is none.
        """
        return (self.folder / 'last_checkpoint').read_text(encoding='utf-8').strip()

    def _asked(self) -> dict[str, Any]:
        with READING:
            return make_stamp(self.tool, self.config, self.checkpoint, self.data, self.options, self.arguments)

    def run(self, threads: int | None = None, watch: Callable[[Path], None] | None = None) -> None:
        """Run it, unless it is done.

        Args:
            threads (int, optional): See :func:`run_tool`.
            watch (Callable, optional): See :func:`run_tool`.

        Raises:
            OSError: If a file cannot be read or written.
            RuntimeError: If it fails; names the log.
            ValueError: If its config cannot be read.
        """
        if self.is_done:
            return
        (self.folder / 'done.json').unlink(missing_ok=True)
        # Before it runs: what is edited meanwhile has changed.
        asked = self._asked()
        goes_on = self._begin(asked)
        weights = [] if self.checkpoint is None else [self.checkpoint]
        data = ['--data', *self.data] if self.data else []
        options = ['--cfg-options', *self.options] if self.options else []
        arguments = [self.config, *weights, '--work-dir', str(self.folder), *goes_on, *self.arguments, *data, *options]
        run_tool(self.folder / 'log.txt', self.tool, *arguments, threads=threads, watch=watch)
        write_json(self.folder / 'done.json', asked, indent=None)
