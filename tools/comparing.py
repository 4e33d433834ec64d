"""The work behind compare.py: the steps of a plan, and the report of what they left."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS
from running import Step

import focal_mmseg  # noqa: F401
from focal_mmseg.apis.run_config import parse_options, use_data
from focal_mmseg.datasets.degradations import panels_of
from focal_mmseg.evaluation.averages import average
from focal_mmseg.evaluation.rows import read_rows
from focal_mmseg.evaluation.summary import HEADINGS, MEAN_OF_SETS
from focal_mmseg.reports import Plan, Run, Table, TestSet, write_page
from focal_mmseg.reports.page import Section, paragraph, picture, wide
from focal_mmseg.reports.pictures import Source, sources, spread_over, write_masks, write_scatter
from focal_mmseg.reports.tables import Column
from focal_mmseg.visualization import write_panels

WORST = 3
SCATTERED = 'iou'


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
        return Step('train.py', self.folder / _slug(run.name) / 'train', run.config, options=run.options)

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
        folder = self.folder / _slug(run.name) / (_slug(tested_set.name) or 'own')
        options = (*run.options, *tested_set.options)
        if degradation is not None:
            folder /= degradation.replace(':', '-')
        data = () if tested_set.data is None else ('--data', tested_set.data)
        degraded = () if degradation is None else ('--degradation', degradation)
        arguments = ('--out', str(folder / 'masks'), *data, *degraded)
        return Step('test.py', folder, run.config, checkpoint, options, arguments)

    def tested(self) -> dict[str, dict[str, Path]]:
        """Where the masks and ``pictures.csv`` of each finished test are: by the model's and the set's name."""
        found: dict[str, dict[str, Path]] = {}
        for run in self.plan.runs:
            for each in self.plan.sets:
                if _is_done(partial(self._test, run, each)):
                    found.setdefault(run.name, {})[each.name] = self._test(run, each).folder / 'masks'
        return found

    @cached_property
    def rows(self) -> dict[str, dict[str, list[dict]]]:
        """The figures of each picture, by the model and the column's set."""
        found: dict[str, dict[str, list[dict]]] = {}
        several = ['', *(each.name for each in self.plan.sets if each.data)]
        for model, sets in self.tested().items():
            found[model] = {}
            for name, folder in sets.items():
                for row in read_rows(folder / 'pictures.csv'):
                    found[model].setdefault(row['dataset'] if name in several else name, []).append(row)
        return found

    def table(self) -> Table:
        """Table 1's form: the figures of each set, and the mean of the sets where there are several."""
        names = list(dict.fromkeys(name for sets in self.rows.values() for name in sets))
        figures = self.plan.figures
        groups = [*names, MEAN_OF_SETS] if len(names) > 1 else ['']
        cells = {}
        for model, sets in self.rows.items():
            # Of forged pictures alone, and of pristine ones for the figure that only they have.
            means = np.array(
                [[average(sets.get(name, []), 'left out')[figure] for figure in figures] for name in names]
            )
            # A model without one of the sets has no mean of them.
            cells[model] = np.concatenate([means, means.mean(0, keepdims=True)] if len(names) > 1 else [means]).ravel()
        return Table('model', [Column(name, figure) for name in groups for figure in figures], cells)

    def report(self) -> None:
        """Write ``report.html`` and what is in it: tables as CSV and Markdown, pictures as PNG."""
        table = self.table()
        table.write_csv(self.folder / 'table.csv')
        (self.folder / 'table.md').write_text(table.to_markdown(), encoding='utf-8')
        sections = [
            Section(
                'Figures',
                paragraph(
                    'F1, IoU and AUC are averages over forged pictures, false alarms the share of pixels called forged '
                    'on pristine ones. Best bold, second best underlined.'
                )
                + wide(table.to_html(), 'table of figures'),
            ),
            *self._robustness(),
            *self._pictures(),
            Section('Models', wide(_listing(self.plan), 'configs and weights')),
        ]
        write_page(self.folder / 'report.html', self.plan.title, sections)

    def _pictures(self) -> Iterator[Section]:
        """Grids and scatter plots; of the first set where there are several."""
        tested = self.tested()
        first_set = self.plan.sets[0].name
        folders = {model: sets[first_set] for model, sets in tested.items() if first_set in sets}
        found = self._sources(next(iter(folders))) if folders else []
        if found and self.plan.pictures:
            write_masks(self.folder / 'masks.png', spread_over(found, self.plan.pictures), folders)
            yield Section('Masks', picture(self.folder / 'masks.png', 'input, truth and the mask of each model'))
        values = {model: self._by_picture(model) for model in folders}
        if len(values) > 1:
            first, *others = values
            write_scatter(
                self.folder / 'scatter.png',
                (first, values[first]),
                {name: values[name] for name in others},
                HEADINGS[SCATTERED],
            )
            text = f'IoU of each forged picture, {first} against the others'
            yield Section('Picture by picture', picture(self.folder / 'scatter.png', text))
        for model in folders if found else ():
            worst = _worst(found, values[model])
            if worst:
                path = self.folder / _slug(model) / 'worst.png'
                labels = [f'{each.picture}: {values[model][each.dataset, each.picture]:.2f}' for each in worst]
                write_masks(path, worst, folders, labels)
                yield Section(f'Worst of {model}', picture(path, f'forged pictures with the lowest IoU of {model}'))

    def _robustness(self) -> Iterator[Section]:
        """The first figure of the tables over each degradation (figure 9)."""
        figure = self.plan.figures[0]
        curves: dict[str, dict[str, float]] = {}
        for run in self.plan.runs:
            for name in self.plan.degradations:
                test = partial(self._test, run, self.plan.sets[0], name)
                if _is_done(test):
                    rows = read_rows(test().folder / 'masks' / 'pictures.csv')
                    curves.setdefault(run.name, {})[name] = average(rows, 'left out')[figure]
        if not curves:
            return
        first = {
            model: average(read_rows(sets[self.plan.sets[0].name] / 'pictures.csv'), 'left out')[figure]
            for model, sets in self.tested().items()
            if self.plan.sets[0].name in sets
        }
        write_panels(self.folder / 'robustness.png', panels_of(curves), HEADINGS[figure], first)
        text = f'{HEADINGS[figure]} on degraded pictures; dashed: as they are'
        yield Section('Degraded pictures', paragraph(text) + picture(self.folder / 'robustness.png', text))

    def _sources(self, model: str) -> list[Source]:
        """The pictures of the first set, as the model's config has them."""
        run = next(each for each in self.plan.runs if each.name == model)
        cfg = Config.fromfile(run.config)
        if self.plan.sets[0].data:
            use_data(cfg, self.plan.sets[0].data, ('test',))
        cfg.merge_from_dict(parse_options((*run.options, *self.plan.sets[0].options)))
        init_default_scope('mmseg')
        return list(sources(DATASETS.build(cfg.test_dataloader.dataset)))

    def _by_picture(self, model: str) -> dict[tuple[str, str], float]:
        """The scattered figure of each forged picture of the first set."""
        folder = self.tested()[model][self.plan.sets[0].name]
        rows = read_rows(folder / 'pictures.csv')
        return {(row['dataset'], row['picture']): row[SCATTERED] for row in rows if not row['is_pristine']}


def _is_done(test: Callable[[], Step]) -> bool:
    """Whether a test is there; one that cannot be described yet, because its training is missing, is not."""
    try:
        return test().is_done
    except (RuntimeError, OSError):
        return False


def _do(test: Callable[[], Step]) -> None:
    test().run()


def _slug(name: str) -> str:
    return re.sub(r'[^a-z0-9]+', '-', name.lower().replace('+', 'p')).strip('-')


def _worst(found: list[Source], values: dict[tuple[str, str], float]) -> list[Source]:
    scored = [each for each in found if (each.dataset, each.picture) in values]
    return sorted(scored, key=lambda each: values[each.dataset, each.picture])[:WORST]


def _listing(plan: Plan) -> str:
    rows = ''.join(
        f'<tr><th scope="row">{each.name}</th><td>{each.config}</td>'
        f'<td>{"trained" if each.train else each.checkpoint or "-"}</td><td>{" ".join(each.options) or "-"}</td></tr>'
        for each in plan.runs
    )
    heads = ''.join(f'<th scope="col">{name}</th>' for name in ('model', 'config', 'weights', 'overrides'))
    return f'<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
