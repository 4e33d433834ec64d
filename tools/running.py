"""Our tools run by other tools, each once: what is there already is not done again."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from progress import Progress
from stamping import is_same, read_stamp, stamp_of

from focal_mmseg.engine.latest_checkpoint import BY_EPOCH, BY_ITER, latest_checkpoint
from focal_mmseg.utils import written_whole

TOOLS = Path(__file__).parent


def run_tool(
    log: Path, name: str, *arguments: str | Path, threads: int | None = None, progress: Progress | None = None
) -> None:
    """Run one of our tools as a user would.

    Args:
        log (Path): What it prints is written there.
        name (str): Its file, as ``'test.py'``.
        *arguments (str | Path): Its arguments.
        threads (int, optional): Of the processor. Defaults to torch's choice.
        progress (Progress, optional): Is shown the log now and then.

    Raises:
        RuntimeError: If it fails; names the log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    limit = {} if threads is None else dict(OMP_NUM_THREADS=str(threads))
    command = [sys.executable, TOOLS / name, *map(str, arguments)]
    with (
        log.open('w', encoding='utf-8') as file,
        subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=os.environ | limit) as child,
    ):
        try:
            while _runs(child, None if progress is None else progress.period):
                progress.watch(log)
        except BaseException:
            child.kill()
            raise
    if child.returncode:
        raise RuntimeError(f'{name} ended with code {child.returncode}: see {log}')


def _runs(child: subprocess.Popen, seconds: float | None) -> bool:
    """Whether it still runs after so many seconds; None waits for its end."""
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


@dataclass(frozen=True)
class Step:
    """A run of train.py or test.py that leaves its results in a folder.

    Attributes:
        tool (str): ``'train.py'`` or ``'test.py'``.
        folder (Path): Of its log and results.
        config (str): Config file.
        checkpoint (str | None): Its weights, if it takes any.
        options (tuple[str, ...]): ``KEY=VALUE``, as for ``--cfg-options``.
        arguments (tuple[str, ...]): Others.
        data (str | None): Config of the data sets, as for ``--data``.
    """

    tool: str
    folder: Path
    config: str
    checkpoint: str | None = None
    options: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    data: str | None = None

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
        _write(note, asked)
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
        return stamp_of(self.tool, self.config, self.checkpoint, self.data, self.options, self.arguments)

    def run(self, threads: int | None = None, progress: Progress | None = None) -> None:
        """Run it, unless it is done.

        Args:
            threads (int, optional): See :func:`run_tool`.
            progress (Progress, optional): See :func:`run_tool`.

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
        data = [] if self.data is None else ['--data', self.data]
        options = ['--cfg-options', *self.options] if self.options else []
        arguments = [self.config, *weights, '--work-dir', self.folder, *goes_on, *self.arguments, *data, *options]
        run_tool(self.folder / 'log.txt', self.tool, *arguments, threads=threads, progress=progress)
        _write(self.folder / 'done.json', asked)


def _write(path: Path, stamp: dict[str, Any]) -> None:
    with written_whole(path) as part:
        part.write_text(json.dumps(stamp), encoding='utf-8')
