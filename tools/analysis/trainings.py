"""Trainings of one config that differ in their loss: run once each, kept, and read back."""

import argparse
import os
import re
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from focal_mmseg.evaluation import read_rows
from focal_mmseg.reports import read_steps
from focal_mmseg.utils import positive_int

sys.path.insert(0, str(Path(__file__).parents[1]))
from running import Step

# The loss of every step as it is, not the mean of the last ten.
EVERY_STEP = ('default_hooks.logger.interval=1', 'log_processor.window_size=1')
LOSSES = {
    'Triplet': dict(type='TripletLoss'),
    'DCL': dict(type='DCLLoss'),
    'Circle': dict(type='CircleLoss'),
    'InfoNCE': dict(type='InfoNCELoss'),
    'InfoNCE++ (Batch)': dict(type='InfoNCEPlusPlusLoss', scope='batch'),
    'InfoNCE++': dict(type='InfoNCEPlusPlusLoss'),
    'InfoNCE++, to the letter': dict(type='InfoNCEPlusPlusLoss', positives='mean_exp'),
    'Soft contrastive': dict(type='SoftContrastiveLoss'),
    'Soft contrastive, weights of the mask': dict(type='SoftContrastiveLoss', max_updates=0),
    'InfoNCE++, 1,000 pixels a side': dict(type='InfoNCEPlusPlusLoss', max_pixels=1000),
    'InfoNCE++, 100 pixels a side': dict(type='InfoNCEPlusPlusLoss', max_pixels=100),
    'InfoNCE++, 35 pixels a side': dict(type='InfoNCEPlusPlusLoss', max_pixels=35),
    'InfoNCE++, both sides as queries': dict(type='InfoNCEPlusPlusLoss', queries='both'),
}


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
    def _train(self) -> Step:
        return Step('train.py', self.folder / 'train', self.config, options=(*self.options, *EVERY_STEP))

    @property
    def _test(self) -> Step:
        folder = self.folder / 'test'
        weights = self._train.weights()
        return Step('test.py', folder, self.config, weights, self.options, ('--out', str(folder)))

    @property
    def is_done(self) -> bool:
        """Whether it was trained and tested by the same config, options, data and version of this package."""
        return self._train.is_done and self._test.is_done

    def run(self, threads: int | None = None) -> None:
        """Train and test, unless it is done.

        Args:
            threads (int, optional): Of the processor. Defaults to torch's choice.

        Raises:
            OSError: If a file cannot be read or written.
            RuntimeError: If the training or the test fails; names the log.
            ValueError: If the config cannot be read.
        """
        self._train.run(threads)
        self._test.run(threads)

    def curve(self) -> list[dict[str, float]]:
        """What was logged of each step: ``iter``, ``loss``, ``time`` in seconds and more."""
        return read_steps(self._train.folder)

    def rows(self) -> list[dict]:
        """The scores of each test picture."""
        return read_rows(self.folder / 'test' / 'images.csv')


def add_training_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``config``, ``--work-dir``, ``--jobs`` and ``--cfg-options``."""
    parser.add_argument('config', help='config file, as configs/demo/focal_hrnet-compact.py')
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/losses'), help='default %(default)s')
    parser.add_argument('--jobs', type=positive_int, default=1, help='trainings at a time; default %(default)s')
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE', help='override the config in each')


def training_of(loss: str, args: argparse.Namespace) -> Training:
    """The training under one of LOSSES, by the arguments of :func:`add_training_arguments`."""
    # The config's own loss is replaced as a whole: its parameters are not those of another loss.
    wanted = {'_delete_': True, **LOSSES[loss]}
    options = tuple(f'model.decode_head.loss_decode.{key}={value}' for key, value in wanted.items())
    folder = re.sub(r'[^a-z0-9]+', '-', loss.lower().replace('++', '-pp').replace(',', '')).strip('-')
    return Training(folder, args.config, (*options, *args.cfg_options), args.work_dir)


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
        try:
            print(f'{training.name}: {"is there" if training.is_done else "training"}', flush=True)
            training.run(threads)
            print(f'{training.name}: done', flush=True)
        except (RuntimeError, OSError, ValueError) as error:
            failures[training.name] = str(error)
            print(f'{training.name}: {error}', flush=True)

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(run, trainings))
    return failures
