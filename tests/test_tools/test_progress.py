"""What the screen says while a comparison runs."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

LOG = """11/26 08:00:00 - mmengine - INFO - Iter(train) [  10/1000]  lr: 1e-4  eta: 1 day, 0:00:05  time: 0.1
11/26 08:00:01 - mmengine - INFO - Iter(train) [ 120/1000]  lr: 1e-4  eta: 0:05:10  time: 0.1  loss: 1.0
"""


@pytest.fixture
def progress(root: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(root / 'tools'))
    return importlib.import_module('progress')


def test_the_last_step_of_a_log_is_told(progress: ModuleType, tmp_path: Path) -> None:
    (tmp_path / 'log.txt').write_text('x' * 9000 + LOG)
    assert progress.progress_of(tmp_path / 'log.txt') == '120 of 1000, 0:05:10 left'
    (tmp_path / 'log.txt').write_text(LOG.splitlines(True)[0] + 'Iter(test) [ 3/12]    eta: 0:00:09  time: 0.1\n')
    assert progress.progress_of(tmp_path / 'log.txt') == '3 of 12, 0:00:09 left'
    (tmp_path / 'log.txt').write_text('')
    assert progress.progress_of(tmp_path / 'log.txt') == ''


def test_time_left_goes_by_the_kind_and_failures_have_no_part(
    progress: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    times: Iterator[float] = iter([0, 600, 1000, 2000, 2060])
    monkeypatch.setattr(progress.time, 'monotonic', lambda: float(next(times)))
    told = progress.Progress(['training', 'testing', 'testing', 'training', 'testing'])
    for is_done in (True, False, True):
        told.begin('this')
        told.end(is_done)
    monkeypatch.setattr(progress.time, 'monotonic', lambda: 0.0)
    told.begin('that')
    assert capsys.readouterr().out.splitlines() == [
        '1 of 5: this',
        '2 of 5: this, more than 10 min left',
        '3 of 5: this, more than 10 min left',
        '4 of 5: that, about 11 min left',
    ]


def test_a_terminal_has_one_line_for_it(
    progress: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(sys.stdout, 'isatty', lambda: True, raising=False)
    (tmp_path / 'log.txt').write_text(LOG)
    told = progress.Progress(['testing'])
    assert told.period == progress.ON_TERMINAL
    told.watch(tmp_path / 'log.txt')
    told.end(True)
    assert capsys.readouterr().out == '\r\033[K  120 of 1000, 0:05:10 left\r\033[K'


def test_a_tool_is_watched_while_it_runs(
    progress: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    running = importlib.import_module('running')
    # It ends once it has been looked at.
    (tmp_path / 'tool.py').write_text(
        'import pathlib, sys, time\n'
        f'print({LOG!r}, flush=True)\n'
        'while not pathlib.Path(sys.argv[1]).exists():\n    time.sleep(0.01)\n'
    )
    monkeypatch.setattr(running, 'TOOLS', tmp_path)
    monkeypatch.setattr(progress, 'ELSEWHERE', 0.05)

    class Watching(progress.Progress):
        def watch(self, log: Path) -> None:
            super().watch(log)
            if progress.progress_of(log):
                (tmp_path / 'seen').touch()

    running.run_tool(tmp_path / 'log.txt', 'tool.py', tmp_path / 'seen', progress=Watching(['testing']))
    assert '  120 of 1000, 0:05:10 left\n' in capsys.readouterr().out
