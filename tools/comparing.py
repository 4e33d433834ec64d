"""The work behind compare.py: the steps of a plan, and the figures that they left."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from running import Step

import focal_mmseg  # noqa: F401
from focal_mmseg.evaluation.paired import over_trainings
from focal_mmseg.evaluation.rows import read_rows
from focal_mmseg.reports import Plan, Run, Table, TestSet
from focal_mmseg.reports.results import means_table


@dataclass(frozen=True)
class Work:
    """Something to be done.

    Attributes:
        title (str): For the screen.
        is_done (Callable): Whether it is there.
        run (Callable): Does it; raises RuntimeError, OSError or ValueError.
    """

    title: str
    is_done: Callable[[], bool]
    run: Callable[[], None]


class Comparison:
    """The models of a plan, tested on its sets.

    Args:
        plan (Plan): What is compared.
        folder (Path): Of all that is made.
    """

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self.folder = folder

    def steps(self) -> Iterator[Work]:
        """Every training and every test, in the order in which they must be done."""
        for run in self.plan.runs:
            if run.train:
                training = self._training(run)
                yield Work(f'training {run.name}', lambda step=training: step.is_done, training.run)
            for tested_set in self.plan.sets:
                name = f'testing {run.name}' + (f' on {tested_set.name}' if tested_set.name else '')
                test = partial(self._test, run, tested_set)
                yield Work(name, partial(_is_done, test), partial(_do, test))

            for degradation in self.plan.degradations:
                test = partial(self._test, run, self.plan.sets[0], degradation)
                yield Work(f'testing {run.name} under {degradation}', partial(_is_done, test), partial(_do, test))

    def _training(self, run: Run) -> Step:
        return Step('train.py', self.folder / slug(run.name) / 'train', run.config, options=run.options)

    def _test(self, run: Run, tested_set: TestSet, degradation: str | None = None) -> Step:
        """The test of a model on a set, of pictures as they are or degraded.

        Raises:
            RuntimeError: If the model is to be trained and its training is not done.
        """
        checkpoint = run.checkpoint
        if run.train:
            training = self._training(run)
            if not training.is_done:
                raise RuntimeError('its training is not done')
            checkpoint = (training.folder / 'last_checkpoint').read_text(encoding='utf-8').strip()
        folder = self.folder / slug(run.name) / (slug(tested_set.name) or 'own')
        options = (*run.options, *tested_set.options)
        if degradation is not None:
            folder /= degradation.replace(':', '-')
        degraded = () if degradation is None else ('--degradation', degradation)
        arguments = ('--out', str(folder / 'masks'), *degraded)
        return Step('test.py', folder, run.config, checkpoint, options, arguments, tested_set.data)

    def tested(self) -> dict[str, dict[str, Path]]:
        """Where the masks and ``pictures.csv`` of each finished test are: by the model's and the set's name."""
        found: dict[str, dict[str, Path]] = {}
        for run in self.plan.runs:
            for each in self.plan.sets:
                if _is_done(partial(self._test, run, each)):
                    found.setdefault(run.name, {})[each.name] = self._test(run, each).folder / 'masks'
        return found

    def first_masks(self) -> dict[str, Path]:
        """The folder of masks of each model's first training on the first set."""
        name, tested = self.plan.sets[0].name, self.tested()
        first = {model: runs[0] for model, runs in self.trainings.items()}
        return {model: tested[run][name] for model, run in first.items() if name in tested[run]}

    def first_trainings(self) -> dict[str, Path]:
        """The folder of each model's first training, of those that were trained here and tested."""
        runs = {run.name: run for run in self.plan.runs if run.train}
        first = {model: names[0] for model, names in self.trainings.items()}
        return {model: self._training(runs[name]).folder for model, name in first.items() if name in runs}

    def degraded(self) -> dict[str, dict[str, Path]]:
        """The folders of masks of each model's first training on the degraded first set."""
        found: dict[str, dict[str, Path]] = {}
        for run in self.plan.runs:
            if run.name != next(iter(self.trainings.get(run.model, [])), None):
                continue
            for name in self.plan.degradations:
                test = partial(self._test, run, self.plan.sets[0], name)
                if _is_done(test):
                    found.setdefault(run.model, {})[name] = test().folder / 'masks'
        return found

    @cached_property
    def rows(self) -> dict[str, dict[str, list[dict]]]:
        """The figures of each picture, by the run and the column's set."""
        found: dict[str, dict[str, list[dict]]] = {}
        several = ['', *(each.name for each in self.plan.sets if each.data)]
        for model, sets in self.tested().items():
            found[model] = {}
            for name, folder in sets.items():
                for row in read_rows(folder / 'pictures.csv'):
                    found[model].setdefault(row['dataset'] if name in several else name, []).append(row)
        return found

    @cached_property
    def trainings(self) -> dict[str, list[str]]:
        """The finished runs of each model: one, or one a seed."""
        found: dict[str, list[str]] = {}
        for run in self.plan.runs:
            if run.name in self.rows:
                found.setdefault(run.model, []).append(run.name)
        return found

    @cached_property
    def results(self) -> dict[str, dict[str, list[dict]]]:
        """The figures of each picture, by the model and the set; of several trainings their means."""
        found: dict[str, dict[str, list[dict]]] = {}
        for model, names in self.trainings.items():
            shared = [each for each in self.rows[names[0]] if all(each in self.rows[name] for name in names)]
            found[model] = {each: over_trainings([self.rows[name][each] for name in names]) for each in shared}
        return found

    def table(self) -> Table:
        """The figures of each model on each set."""
        return means_table(self.results, self.plan.figures)


def _is_done(test: Callable[[], Step]) -> bool:
    """Whether a test is there; one that cannot be described yet, because its training is missing, is not."""
    try:
        return test().is_done
    except (RuntimeError, OSError):
        return False


def _do(test: Callable[[], Step]) -> None:
    test().run()


def slug(name: str) -> str:
    """A name as that of a folder."""
    return re.sub(r'[^a-z0-9]+', '-', name.lower().replace('+', 'p')).strip('-')
