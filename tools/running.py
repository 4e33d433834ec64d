"""Our tools run by other tools, each once: what is there already is not done again."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config

from focal_mmseg import __version__
from focal_mmseg.engine.resuming import whole_checkpoint
from focal_mmseg.utils import written_whole

TOOLS = Path(__file__).parent


def run_tool(log: Path, name: str, *arguments: str | Path, threads: int | None = None) -> None:
    """Run one of our tools as a user would.

    Args:
        log (Path): What it prints is written there.
        name (str): Its file, as ``'test.py'``.
        *arguments (str | Path): Its arguments.
        threads (int, optional): Of the processor. Defaults to torch's choice.

    Raises:
        RuntimeError: If it fails; names the log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    limit = {} if threads is None else dict(OMP_NUM_THREADS=str(threads))
    with log.open('w', encoding='utf-8') as file:
        command = [sys.executable, TOOLS / name, *map(str, arguments)]
        failed = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, env=os.environ | limit).returncode
    if failed:
        raise RuntimeError(f'{name} ended with code {failed}: see {log}')


@dataclass(frozen=True)
class Step:
    """A run of one of our tools that leaves its results in a folder.

    Attributes:
        tool (str): As ``'test.py'``.
        folder (Path): Of its log and results.
        config (str): Config file.
        checkpoint (str | None): Its weights, if it takes any.
        options (tuple[str, ...]): ``KEY=VALUE``, as for ``--cfg-options``.
        arguments (tuple[str, ...]): Others.
    """

    tool: str
    folder: Path
    config: str
    checkpoint: str | None = None
    options: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()

    def _begin(self) -> list[str]:
        """Note what is begun. A training that was begun before and left a checkpoint goes on from it."""
        note, asked = self.folder / 'begun.json', self._asked()
        begun = note.is_file() and json.loads(note.read_text(encoding='utf-8')) == asked
        # An older checkpoint is of another config.
        own = begun and all(path.stat().st_mtime >= note.stat().st_mtime for path in self.folder.glob('*.pth'))
        if own and self.tool == 'train.py' and whole_checkpoint(self.folder)[0]:
            return ['--resume']
        with written_whole(note) as part:
            part.write_text(json.dumps(asked), encoding='utf-8')
        return []

    @property
    def is_done(self) -> bool:
        """Whether it was done by the same config, weights, options and version of this package."""
        stamp = self.folder / 'done.json'
        return stamp.is_file() and json.loads(stamp.read_text(encoding='utf-8')) == self._asked()

    def _asked(self) -> dict:
        """The whole config, not its name: a file that it inherits from may have changed."""
        weights = None
        if self.checkpoint is not None and Path(self.checkpoint).is_file():
            status = Path(self.checkpoint).stat()
            weights = [str(self.checkpoint), status.st_size, status.st_mtime_ns]
        return dict(
            version=__version__,
            tool=self.tool,
            config=Config.fromfile(self.config).pretty_text,
            weights=weights,
            options=list(self.options),
            arguments=list(self.arguments),
        )

    def run(self) -> None:
        """Run it, unless it is done.

        Raises:
            RuntimeError: If it fails; names the log.
        """
        if self.is_done:
            return
        (self.folder / 'done.json').unlink(missing_ok=True)
        goes_on = self._begin()
        weights = [] if self.checkpoint is None else [self.checkpoint]
        options = ['--cfg-options', *self.options] if self.options else []
        arguments = [self.config, *weights, '--work-dir', self.folder, *goes_on, *self.arguments, *options]
        run_tool(self.folder / 'log.txt', self.tool, *arguments)
        with written_whole(self.folder / 'done.json') as part:
            part.write_text(json.dumps(self._asked()), encoding='utf-8')
