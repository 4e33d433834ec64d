"""A comparison of two small networks, from the plan to the page."""

import csv
import os
import re
import runpy
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import cv2
import pytest
import yaml

from focal_mmseg.comparison import jobs
from focal_mmseg.evaluation import read_rows
from focal_mmseg.evaluation.averages import average_metrics


class Forked:
    """What :func:`jobs.run_tool` asks of ``Popen``, by a fork of this process, which has imported everything already.

    tests/test_comparison/test_jobs.py runs real scripts.
    """

    def __init__(self, command: list, stdout: object, stderr: int, env: dict[str, str]) -> None:
        assert stderr == subprocess.STDOUT
        self.returncode = None
        self.pid = os.fork()
        if not self.pid:
            os.environ.update(env)
            os._exit(self._run([str(each) for each in command[1:]], stdout.fileno()))

    def __enter__(self) -> 'Forked':
        return self

    def __exit__(self, *_: object) -> None:
        self.wait(None)

    def wait(self, timeout: float | None) -> None:
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def kill(self) -> None:
        os.kill(self.pid, 9)

    def _run(self, arguments: list[str], log: int) -> int:
        with os.fdopen(os.dup(log), 'w', encoding='utf-8') as sys.stdout:
            sys.stderr, sys.argv = sys.stdout, arguments
            try:
                runpy.run_path(arguments[0], run_name='__main__')
            except SystemExit as stop:
                if isinstance(stop.code, str):
                    print(stop.code)
                return int(bool(stop.code))
            except BaseException:
                traceback.print_exc()
                return 1
        return 0


@pytest.fixture
def compare(root: Path, tmp_path: Path, run_tool: Callable, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Runs the tool on a plan, and gives its folder."""
    names = dict(Popen=Forked, STDOUT=subprocess.STDOUT, TimeoutExpired=subprocess.TimeoutExpired)
    monkeypatch.setattr(jobs, 'subprocess', SimpleNamespace(**names))

    def run(plan: dict, *arguments: str) -> Path:
        (tmp_path / 'plan.yaml').write_text(yaml.safe_dump(plan))
        run_tool(root / 'tools' / 'compare.py', tmp_path / 'plan.yaml', '--work-dir', tmp_path / 'out', *arguments)
        return tmp_path / 'out'

    return run


def test_models_are_trained_tested_and_reported_once(
    compare: Callable, trained: tuple[Path, Path], classifier: tuple[Path, Path], capsys: pytest.CaptureFixture
) -> None:
    plan = dict(
        title='Small <networks>',
        runs=[
            dict(name='FOCAL', config=str(trained[0]), checkpoint=str(trained[1])),
            dict(name='Cross-entropy', config=str(classifier[0]), train=True),
        ],
        sets=[dict(name='small'), dict(name='again', options=['test_dataloader.dataset.indices=[0,1]'])],
        metrics=['iou', 'false_alarm'],
        images=2,
    )
    out = compare(plan)
    said = capsys.readouterr().out
    assert '1 of 5: testing FOCAL on small\n' in said and '3 of 5: training Cross-entropy, more than' in said
    assert '4 of 5: testing Cross-entropy on small, about' in said
    with (out / 'table.csv').open(newline='') as file:
        rows = {row['']: row for row in csv.DictReader(file)}
    assert list(rows) == ['FOCAL', 'Cross-entropy']
    for name, row in rows.items():
        folder = out / name.lower() / 'test' / 'small' / 'masks'
        expected = average_metrics(read_rows(folder / 'images.csv'), 'exclude')
        assert float(row['small/iou']) == pytest.approx(expected['iou'])
        assert float(row['small/false_alarm']) == pytest.approx(expected['false_alarm'])
        means = (float(row['small/iou']) + float(row['again/iou'])) / 2
        assert float(row['mean of sets/iou']) == pytest.approx(means)
    page = (out / 'report.html').read_text()
    assert 'Small &lt;networks&gt;' in page and page.count('<img ') == 6
    assert '| **' in (out / 'table.md').read_text()
    with (out / 'trainings.csv').open(newline='') as file:
        (trained_row,) = csv.DictReader(file)
    assert trained_row[''] == 'Cross-entropy' and float(trained_row['seconds_a_step']) > 0
    for name in ('masks.png', 'scatter.png', 'loss_curves.png', 'focal/worst.png'):
        assert cv2.imread(str(out / name)) is not None

    assert compare(plan) == out
    again = capsys.readouterr().out
    assert ' of ' not in again.split('|')[0] and 'report: ' in again


def test_a_model_that_fails_is_named_and_the_others_are_reported(
    compare: Callable, trained: tuple[Path, Path], tmp_path: Path
) -> None:
    plan = dict(
        runs=[
            dict(name='gone', config=str(trained[0]), checkpoint=str(tmp_path / 'gone.pth')),
            dict(name='there', config=str(trained[0]), checkpoint=str(trained[1])),
        ],
        images=0,
        degradations=['jpeg:30', 'blur:3'],
    )
    with pytest.raises(SystemExit, match=r'not in the report:\ntesting gone: test\.py ended with code 1: see ') as stop:
        compare(plan)
    log = Path(re.search(r'see (\S+)', stop.value.code)[1])
    assert 'gone.pth does not exist' in log.read_text()
    page = (tmp_path / 'out' / 'report.html').read_text()
    assert 'there' in page and 'Degraded images' in page
    assert cv2.imread(str(tmp_path / 'out' / 'robustness.png')) is not None


def test_without_a_test_there_is_no_report(compare: Callable, trained: tuple[Path, Path], tmp_path: Path) -> None:
    plan = dict(runs=[dict(name='there', config=str(trained[0]), checkpoint=str(trained[1]))])
    with pytest.raises(SystemExit, match='nothing was tested'):
        compare(plan, '--report-only')
    assert not (tmp_path / 'out' / 'report.html').exists()


def test_a_bad_plan_is_named(compare: Callable) -> None:
    with pytest.raises(SystemExit, match=r'plan\.yaml: runs needs at least one model'):
        compare(dict(title='empty'))
