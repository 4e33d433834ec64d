"""Trainings of one config that differ in some options: run once each, kept, and read back."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from focal_mmseg.evaluation.metrics.forgery_metric import read_rows
from focal_mmseg.utils import written_whole

TOOLS = Path(__file__).parents[1]
# The loss of every step as it is, not the mean of the last ten.
EVERY_STEP = ('default_hooks.logger.interval=1', 'log_processor.window_size=1')


@dataclass
class Training:
    """A training to be run.

    Args:
        name (str): Of its folder.
        config (str): Config file.
        options (tuple[str, ...]): ``KEY=VALUE``, as for ``--cfg-options``.
        work_dir (Path): The folder ``name`` is made in this one.
    """

    name: str
    config: str
    options: tuple[str, ...]
    work_dir: Path

    @property
    def folder(self) -> Path:
        """Where its log, weights and results are."""
        return self.work_dir / self.name

    @property
    def is_done(self) -> bool:
        """Whether it was trained and tested by the same config and options."""
        stamp = self.folder / 'done.json'
        return stamp.is_file() and json.loads(stamp.read_text(encoding='utf-8')) == self._asked()

    def _asked(self) -> dict:
        return dict(config=str(self.config), options=list(self.options))

    def run(self, threads: int | None = None) -> None:
        """Train and test, unless it is done.

        Args:
            threads (int, optional): Of the processor. Defaults to torch's choice.

        Raises:
            RuntimeError: If the training or the test fails; names the log.
        """
        if self.is_done:
            return
        train, test = self.folder / 'train', self.folder / 'test'
        self._tool('train.py', threads, self.config, '--work-dir', train, *self._options(*EVERY_STEP))
        checkpoint = (train / 'last_checkpoint').read_text(encoding='utf-8').strip()
        self._tool('test.py', threads, self.config, checkpoint, '--work-dir', test, '--out', test, *self._options())
        with written_whole(self.folder / 'done.json') as part:
            part.write_text(json.dumps(self._asked()), encoding='utf-8')

    def _options(self, *others: str) -> tuple[str, ...]:
        options = (*self.options, *others)
        return ('--cfg-options', *options) if options else ()

    def _tool(self, name: str, threads: int | None, *arguments: str | Path) -> None:
        log = self.folder / f'{Path(name).stem}.log'
        log.parent.mkdir(parents=True, exist_ok=True)
        limit = {} if threads is None else dict(OMP_NUM_THREADS=str(threads))
        with log.open('w', encoding='utf-8') as file:
            command = [sys.executable, TOOLS / name, *map(str, arguments)]
            failed = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, env=os.environ | limit).returncode
        if failed:
            raise RuntimeError(f'{name} of {self.name} ended with code {failed}: see {log}')

    def curve(self) -> list[dict[str, float]]:
        """What was logged of each step: ``iter``, ``loss``, ``time`` in seconds and more."""
        logs = sorted((self.folder / 'train').glob('*/vis_data/scalars.json'))
        return [json.loads(line) for line in logs[-1].read_text(encoding='utf-8').splitlines()]

    def rows(self) -> list[dict]:
        """The scores of each test picture."""
        return read_rows(self.folder / 'test' / 'pictures.csv')


def run_all(trainings: Iterable[Training], jobs: int = 1) -> dict[str, str]:
    """Run those that are not done, and say on the screen how far it is.

    Args:
        trainings (Iterable[Training]): Each with a folder of its own.
        jobs (int): So many at a time, which share the processor's cores.

    Returns:
        dict[str, str]: What went wrong, by name; the others were run all the same.
    """
    trainings = list(trainings)
    threads = None if jobs == 1 else max(1, (os.cpu_count() or 1) // jobs)
    failures: dict[str, str] = {}

    def run(training: Training) -> None:
        print(f'{training.name}: {"is there" if training.is_done else "training"}', flush=True)
        try:
            training.run(threads)
            print(f'{training.name}: done', flush=True)
        except RuntimeError as error:
            failures[training.name] = str(error)
            print(f'{training.name}: {error}', flush=True)

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(run, trainings))
    return failures
