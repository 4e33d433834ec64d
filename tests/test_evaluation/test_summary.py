"""The tables of a test."""

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest

from focal_mmseg.evaluation.averages import ranking_of
from focal_mmseg.evaluation.picture_figures import FIGURES, Counts, picture_figures
from focal_mmseg.evaluation.rows import COLUMNS, read_rows, write_rows
from focal_mmseg.evaluation.summary import MEAN_OF_SETS, summarise, table, write_summary


def row(seed: int, dataset: str, kind: str, forged_share: float = 0.3) -> dict:
    rng = np.random.default_rng(seed)
    truth, score = rng.random((30, 30)) < forged_share, rng.random((30, 30))
    counts = Counts.of(score > 0.5, truth)
    return dict(
        dataset=dataset,
        kind=kind,
        picture=str(seed),
        is_pristine=not truth.any(),
        **picture_figures(score > 0.5, score, truth),
        image_score=float(score.max()),
        **counts.__dict__,
        ranking=ranking_of(score.ravel(), truth.ravel()),
    )


@pytest.fixture
def rows() -> list[dict]:
    return [row(seed, 'a', 'splice') for seed in range(3)] + [row(3, 'b', 'pristine', 0), row(4, 'b', 'splice')]


def test_the_mean_of_sets_counts_each_set_once(rows: list[dict]) -> None:
    groups = {each.name: each for each in summarise(rows)}
    assert list(groups) == ['', 'a', 'b', 'b/pristine', 'b/splice', MEAN_OF_SETS]
    a, b, mean = (groups[name].values for name in ('a', 'b', MEAN_OF_SETS))
    assert mean['iou'] == pytest.approx((a['iou'] + b['iou']) / 2)
    assert mean['pooled_iou'] == pytest.approx((a['pooled_iou'] + b['pooled_iou']) / 2)
    # A figure that one set does not define is the mean of the others.
    assert mean['false_alarm'] == b['false_alarm']
    assert groups['b/pristine'].pictures == 1


def test_one_set_has_no_mean_of_sets(rows: list[dict]) -> None:
    assert [each.name for each in summarise(rows[:3])] == ['']


def test_the_screen_has_a_line_a_group(rows: list[dict]) -> None:
    drawn = str(table(summarise(rows)))
    assert len(drawn.splitlines()) == 6 + 4
    assert '| mean of sets |' in drawn and '-' in drawn


def test_files_hold_all_figures_and_intervals(rows: list[dict], tmp_path: Path) -> None:
    groups = summarise(rows, resamples=50)
    write_summary(tmp_path, groups)
    records = json.loads((tmp_path / 'summary.json').read_text())
    with (tmp_path / 'summary.csv').open(newline='') as file:
        lines = list(csv.DictReader(file))
    for each, record, line in zip(groups, records, lines, strict=True):
        assert (record['name'], record['pictures']) == (each.name or 'all', each.pictures)
        for name, value in each.values.items():
            if math.isnan(value):
                assert record[name] is None and line[name] == ''
            else:
                assert record[name] == value == float(line[name])
    assert records[0]['iou_low'] <= records[0]['iou'] <= records[0]['iou_high']
    markdown = (tmp_path / 'summary.md').read_text().splitlines()
    assert len(markdown) == 2 + len(groups) and markdown[2].count('[') == sum(
        not math.isnan(groups[0].values[name]) for name in FIGURES
    )


def test_rows_are_read_as_they_were_written(rows: list[dict], tmp_path: Path) -> None:
    write_rows(tmp_path / 'pictures.csv', rows)
    for found, written in zip(read_rows(tmp_path / 'pictures.csv'), rows, strict=True):
        assert found == pytest.approx({name: written[name] for name in COLUMNS}, nan_ok=True)


def test_rows_of_another_version_are_refused(tmp_path: Path) -> None:
    (tmp_path / 'pictures.csv').write_text('dataset,kind,picture,is_pristine,iou\na,b,c,True,1.0\n')
    with pytest.raises(ValueError, match=r"no column 'macro_f1': it is of another version, run the test again"):
        read_rows(tmp_path / 'pictures.csv')
