"""What a report says where something is missing."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from focal_mmseg.comparison import report
from focal_mmseg.evaluation import OperatingCurve, write_operating_curves, write_rows


def test_without_the_test_images_there_are_no_grids_but_all_else(
    comparison_of: Callable, config: str, ran: list, execute: Callable, tmp_path: Path
) -> None:
    (tmp_path / 'images').mkdir()
    Path(config).write_text(
        "test_dataloader = dict(dataset=dict(type='ForgeryDataset', pipeline=[], "
        f'data_root={str(tmp_path / "images")!r}))\n'
    )
    comparison = comparison_of(
        runs=[dict(name='A', config=config, train=True, seeds=[0, 1]), dict(name='B', config=config)]
    )
    execute(comparison)
    (tmp_path / 'images').rmdir()
    (tmp_path / 'out' / 'a-seed-1' / 'test' / 'own' / 'done.json').unlink()
    report.write_report(comparison)
    page = (tmp_path / 'out' / 'report.html').read_text()
    assert 'The masks are not shown: the test images cannot be read here.' in page and 'images does not exist' in page
    assert 'A (1 of 2 trainings)' in page and page.count('trained; not in this report') == 1
    assert (tmp_path / 'out' / 'scatter.png').is_file() and not (tmp_path / 'out' / 'masks.png').exists()


def test_curves_of_several_sets_count_each_once(
    comparison_of: Callable,
    config: str,
    ran: list,
    execute: Callable,
    row: Callable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    comparison = comparison_of(runs=[dict(name='A', config=config)], metrics=['iou'], degradations=['jpeg:30'])
    execute(comparison)
    small, large = row('small', 1.0), [row('large', 0.0) | {'image': str(number)} for number in range(3)]
    for folder, other in (('own', {}), ('own/jpeg-30', {'iou': 0.5})):
        rows = [small | other, *large]
        write_rows(tmp_path / 'out' / 'a' / 'test' / folder / 'masks' / 'images.csv', rows)
    drawn = []
    monkeypatch.setattr(report, 'plot_panels', lambda *given: drawn.extend(given))
    (section,) = report._robustness(comparison)
    assert drawn[1] == {'jpeg': {'A': [('30', 0.25)]}} and drawn[3] == {'A': 0.5}
    assert section.text == 'Each set counts once.' and section.tables[0].rows == {'A': [0.5, 0.25]}


def test_what_is_found_at_five_percent_of_false_alarms_is_told_and_drawn(
    comparison_of: Callable, config: str, ran: list, execute: Callable, tmp_path: Path
) -> None:
    comparison = comparison_of(runs=[dict(name=name, config=config) for name in ('A', 'B', 'older')])
    execute(comparison)
    alarms = np.array([0, 0.05, 0.2])
    for name, iou in (('a', 0.25), ('b', 0.5)):
        found = np.array([0, iou, 0.9])
        curve = OperatingCurve(alarms, dict(iou=found, forged_f1=found, sensitivity=found))
        write_operating_curves(tmp_path / 'out' / name / 'test' / 'own' / 'masks' / 'operating.csv', {'all': curve})
    (section,) = report._operating(comparison)
    (table,) = section.tables
    assert table.columns[0].heading == 'IoU at 5 % false alarms' and table.cells()['B'][0] == ('0.500', 1)
    assert list(table.rows) == ['A', 'B'] and (tmp_path / 'out' / 'operating.png').is_file()
    with (tmp_path / 'out' / 'operating.csv').open() as file:
        rows = {row['']: row for row in csv.DictReader(file)}
    assert float(rows['A']['operating_iou']) == 0.25
    assert float(rows['B']['operating_area']) == pytest.approx(0.25)


def test_tests_without_pristine_images_have_no_curves(
    comparison_of: Callable, config: str, ran: list, execute: Callable
) -> None:
    comparison = comparison_of(runs=[dict(name='A', config=config)])
    execute(comparison)
    assert not list(report._operating(comparison))
