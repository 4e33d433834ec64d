"""tools/analysis/robustness.py on a tiny set."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest


@pytest.fixture
def run(root: Path, run_tool: Callable, trained: tuple[Path, Path], tmp_path: Path) -> Callable[..., None]:
    def call(*arguments: object) -> None:
        run_tool(root / 'tools' / 'analysis' / 'robustness.py', *trained, '--work-dir', tmp_path, *arguments)

    return call


def test_each_degradation_is_tested_once_and_one_that_fails_is_named(
    run: Callable, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / 'blur-3').write_text('a file where a folder is wanted')
    with pytest.raises(SystemExit, match='not in the table:\nblur:3: '):
        run('--degradations', 'none', 'blur:3', 'jpeg:10')
    first = capsys.readouterr().out
    assert 'none: testing' in first and 'jpeg:10: testing' in first and '| jpeg:10 ' in first.replace('|   ', '| ')
    rows = json.loads((tmp_path / 'robustness.json').read_text())
    assert list(rows) == ['none', 'jpeg:10']
    assert rows['none'] != rows['jpeg:10']
    assert cv2.imread(str(tmp_path / 'robustness.png')) is not None

    (tmp_path / 'blur-3').unlink()
    run('--degradations', 'none', 'blur:3', 'jpeg:10', '--out', tmp_path / 'again' / 'table.json')
    again = capsys.readouterr().out
    assert 'none: is there' in again and 'jpeg:10: is there' in again and 'blur:3: testing' in again
    table = json.loads((tmp_path / 'again' / 'table.json').read_text())
    assert list(table) == ['none', 'blur:3', 'jpeg:10'] and table['jpeg:10'] == rows['jpeg:10']
    assert (tmp_path / 'again' / 'table.png').is_file()

    run('--degradations', 'none', '--cfg-options', 'model.decode_head.clusterer.min_cluster_size=50')
    assert 'none: testing' in capsys.readouterr().out


def test_a_failed_test_names_its_log(run: Callable, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r'none: test\.py ended with code .*none/log\.txt'):
        run('--degradations', 'none', '--cfg-options', 'test_dataloader.dataset.data_root=/nowhere')
    assert '/nowhere' in (tmp_path / 'none' / 'log.txt').read_text()


def test_unknown_names_are_refused_before_anything_is_tested(
    run: Callable, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    with pytest.raises(SystemExit):
        run('--degradations', 'none', 'jpg:70')
    assert 'there are none, jpeg' in capsys.readouterr().err
    assert not (tmp_path / 'none').exists()
