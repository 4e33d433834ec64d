"""A comparison of which the tools only pretend to run."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from focal_mmseg.comparison import Comparison, jobs, read_plan
from focal_mmseg.evaluation import write_rows
from focal_mmseg.evaluation.localisation import LOCALISATION_METRICS
from focal_mmseg.evaluation.pooling import COUNT_COLUMNS


@pytest.fixture
def config(tmp_path: Path) -> str:
    (tmp_path / 'config.py').write_text('model = dict()\n')
    return str(tmp_path / 'config.py')


@pytest.fixture
def comparison_of(tmp_path: Path) -> Callable[..., Comparison]:
    """The comparison of a plan, by its keys."""

    def make(**plan: object) -> Comparison:
        (tmp_path / 'plan.yaml').write_text(yaml.safe_dump(plan))
        return Comparison(read_plan(tmp_path / 'plan.yaml'), tmp_path / 'out')

    return make


@pytest.fixture
def row() -> Callable[..., dict]:
    """A row of ``images.csv``."""

    def make(dataset: str, value: float, is_pristine: bool = False) -> dict:
        figures = dict.fromkeys(LOCALISATION_METRICS, value) | {'false_alarm': value if is_pristine else math.nan}
        names = dict(dataset=dataset, kind='', image='1', image_score=0.5)
        flags = dict(is_pristine=is_pristine, called_forged=False)
        return names | flags | figures | dict.fromkeys(COUNT_COLUMNS, 1)

    return make


@pytest.fixture
def ran(row: Callable, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What the tools were given; each leaves what it would leave, of a set 'mine' or those of a data file."""
    found: list[list[str]] = []

    def run(log: Path, name: str, *arguments: object, **_: object) -> None:
        found.append([name, *map(str, arguments)])
        log.parent.mkdir(parents=True, exist_ok=True)
        if name == 'train.py':
            (log.parent / 'iter_1.pth').write_text('weights')
            (log.parent / 'last_checkpoint').write_text(str(log.parent / 'iter_1.pth'))
            return
        sets = {'casia1': 0.8, 'misd': 0.4} if '--data' in found[-1] else {'mine': 0.2}
        write_rows(log.parent / 'masks' / 'images.csv', [row(*each) for each in sets.items()])

    monkeypatch.setattr(jobs, 'run_tool', run)
    return found


@pytest.fixture
def execute() -> Callable[[Comparison], None]:
    """Does all jobs of a comparison."""

    def run(comparison: Comparison) -> None:
        for planned in comparison.jobs():
            planned.describe().run()

    return run
