"""The jobs of a plan, and the results that they left."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from focal_mmseg.evaluation import read_rows
from focal_mmseg.evaluation.paired import average_trainings

from .jobs import Job
from .plan import WEIGHTS_OF, Plan, Run, TestSet
from .results import means_table, trainings_table
from .table import Table
from .training_log import read_training_log


@dataclass(frozen=True)
class PlannedJob:
    """A job that can be described once the trainings that it needs are done.

    Attributes:
        kind (str): ``'training'`` or ``'testing'``.
        name (str): What is trained or tested.
        describe (Callable): Gives the job; raises RuntimeError while a training that it needs is missing.
        needs (frozenset[str]): Names of the trainings that it needs.
    """

    kind: str
    name: str
    describe: Callable[[], Job]
    needs: frozenset[str] = frozenset()

    @property
    def title(self) -> str:
        """For the screen."""
        return f'{self.kind} {self.name}'

    @property
    def is_done(self) -> bool:
        """Whether it is done; what cannot be described yet is not."""
        try:
            return self.describe().is_done
        except (RuntimeError, OSError):
            return False


class Comparison:
    """The models of a plan, tested on its sets.

    Args:
        plan (Plan): What is compared.
        folder (Path): Of all that is made: ``<model>/train`` and ``<model>/test/<set>``.
    """

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self.folder = folder
        self._runs = {run.name: run for run in plan.runs}
        self._folders = folder_names(name for run in plan.runs for name in (run.name, run.model))
        self._set_folders = folder_names(each.name or 'own' for each in plan.sets)

    def run_folder(self, name: str) -> Path:
        """The folder of a model, or of one of its trainings."""
        return self.folder / self._folders[name]

    def jobs(self) -> Iterator[PlannedJob]:
        """Every training and every test, in an order in which they can be done."""
        for run in self.plan.runs:
            others = self._find_trainings(*run.options)
            if run.train:
                yield PlannedJob('training', run.name, partial(self._training, run), others)
            needs = others | self._required_trainings(run)
            for tested_set in self.plan.sets:
                name = run.name + (f' on {tested_set.name}' if tested_set.name else '')
                of_set = needs | self._find_trainings(*tested_set.options)
                yield PlannedJob('testing', name, partial(self._test, run, tested_set), of_set)
            for degradation in self.plan.degradations:
                test = partial(self._test, run, self.plan.sets[0], degradation)
                yield PlannedJob('testing', f'{run.name} under {degradation}', test, needs)

    def _required_trainings(self, run: Run) -> frozenset[str]:
        """The trainings behind a model's weights."""
        return frozenset({run.name}) if run.train else self._find_trainings(run.checkpoint or '')

    def _find_trainings(self, *texts: str) -> frozenset[str]:
        """The trainings behind the weights that texts of the plan name."""
        names = re.findall(WEIGHTS_OF, ' '.join(texts))
        return frozenset().union(*(self._required_trainings(self._runs[name]) for name in names))

    def _filled(self, text: str) -> str:
        """A text of the plan with the weights of other models in it."""
        return re.sub(WEIGHTS_OF, lambda found: str(self._weights(self._runs[found[1]])), text)

    def _weights(self, run: Run) -> str | None:
        """Those of the plan, or those that a training left.

        Raises:
            RuntimeError: If its training is not done.
        """
        if not run.train:
            return None if run.checkpoint is None else self._filled(run.checkpoint)
        training = self._training(run)
        if not training.is_done:
            raise RuntimeError(f'the training of {run.name} is not done')
        return training.weights()

    def _training(self, run: Run) -> Job:
        options = tuple(map(self._filled, run.options))
        return Job('train.py', self.run_folder(run.name) / 'train', run.config, options=options, data=run.data)

    def _test(self, run: Run, tested_set: TestSet, degradation: str | None = None) -> Job:
        """The test of a model on a set, of images as they are or degraded.

        Raises:
            RuntimeError: If a training that it needs is not done.
        """
        # In a folder of its own: a set may be called 'train'.
        folder = self.run_folder(run.name) / 'test' / self._set_folders[tested_set.name or 'own']
        if degradation is not None:
            folder /= degradation.replace(':', '-')
        options = tuple(map(self._filled, (*run.options, *tested_set.options)))
        degraded = () if degradation is None else ('--degradation', degradation)
        arguments = ('--out', str(folder / 'masks'), *degraded)
        return Job('test.py', folder, run.config, self._weights(run), options, arguments, tested_set.data)

    def _done_test(self, run: Run, tested_set: TestSet, degradation: str | None = None) -> Path | None:
        """Where the masks and ``images.csv`` of a test are, if it is done."""
        planned = PlannedJob('testing', run.name, partial(self._test, run, tested_set, degradation))
        return planned.describe().folder / 'masks' if planned.is_done else None

    @cached_property
    def tested(self) -> dict[str, dict[str, Path]]:
        """Where the masks and ``images.csv`` of each finished test are: by the model's and the set's name."""
        found: dict[str, dict[str, Path]] = {}
        for run in self.plan.runs:
            for each in self.plan.sets:
                if masks := self._done_test(run, each):
                    found.setdefault(run.name, {})[each.name] = masks
        return found

    def first_masks(self) -> dict[str, Path]:
        """The folder of masks of each model's first training on the first set."""
        name = self.plan.sets[0].name
        first = {model: runs[0] for model, runs in self.trainings.items()}
        return {model: self.tested[run][name] for model, run in first.items() if name in self.tested[run]}

    @cached_property
    def logs(self) -> dict[str, list[list[dict[str, float]]]]:
        """The steps that each training of a model logged, of those that were trained here and tested."""
        found: dict[str, list[list[dict[str, float]]]] = {}
        for model, names in self.trainings.items():
            folders = [self._training(self._runs[name]).folder for name in names if self._runs[name].train]
            steps = [each for each in map(read_training_log, folders) if each]
            if steps:
                found[model] = steps
        return found

    def degraded(self) -> dict[str, dict[str, Path]]:
        """The folders of masks of each model's first training on the degraded first set."""
        found: dict[str, dict[str, Path]] = {}
        for model, names in self.trainings.items():
            for name in self.plan.degradations:
                if masks := self._done_test(self._runs[names[0]], self.plan.sets[0], name):
                    found.setdefault(model, {})[name] = masks
        return found

    @cached_property
    def rows(self) -> dict[str, dict[str, list[dict]]]:
        """The metrics of each image, by the run and the column's set.

        The sets of a set's ``data`` stand under their own names, with that of the plan before it where it is taken.
        """
        several = ['', *(each.name for each in self.plan.sets if each.data)]
        found: dict[str, dict[tuple[str, str], list[dict]]] = {}
        for run, sets in self.tested.items():
            found[run] = {}
            for name, folder in sets.items():
                for row in read_rows(folder / 'images.csv'):
                    column = (name, row['dataset'] if name in several else name)
                    found[run].setdefault(column, []).append(row)
        columns = {column for sets in found.values() for column in sets}
        taken = Counter(name for _, name in columns)
        heads = {column: _heading(*column, taken[column[1]] > 1) for column in columns}
        return {run: {heads[column]: rows for column, rows in sets.items()} for run, sets in found.items()}

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
        """The metrics of each image, by the model and the set; of several trainings their means."""
        found: dict[str, dict[str, list[dict]]] = {}
        for model, names in self.trainings.items():
            shared = [each for each in self.rows[names[0]] if all(each in self.rows[name] for name in names)]
            found[model] = {each: average_trainings([self.rows[name][each] for name in names]) for each in shared}
        return found

    def table(self) -> Table:
        """The metrics of each model on each set; a model of which trainings are missing says so."""
        results = {self._label(model): sets for model, sets in self.results.items()}
        return means_table(results, self.plan.metrics, self.plan.pristine)

    def trainings_table(self) -> Table | None:
        """What the trainings cost and how smooth they were; None where nothing was trained here."""
        return trainings_table(self.logs) if self.logs else None

    def _label(self, model: str) -> str:
        there, wanted = len(self.trainings[model]), sum(run.model == model for run in self.plan.runs)
        return model if there == wanted else f'{model} ({there} of {wanted} trainings)'


def _heading(tested_set: str, name: str, is_taken: bool) -> str:
    """What stands above a column."""
    return f'{tested_set}: {name}' if is_taken and name != tested_set else name


def folder_names(names: Iterable[str]) -> dict[str, str]:
    """Names as those of folders; one that has no letters, or shares them with another, gets a digest of the name."""
    slugs = {name: re.sub(r'[^a-z0-9]+', '-', name.lower().replace('+', 'p')).strip('-') for name in names}
    shared = Counter(slugs.values())
    digests = {name: hashlib.sha256(name.encode()).hexdigest()[:8] for name in slugs}
    return {
        name: slug if slug and shared[slug] == 1 else f'{slug}-{digests[name]}'.strip('-')
        for name, slug in slugs.items()
    }
