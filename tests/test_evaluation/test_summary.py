"""The tables of a test."""

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest

from focal_mmseg.evaluation.picture_figures import FIGURES, figures_and_counts
from focal_mmseg.evaluation.pooling import kept_counts, ranking_of
from focal_mmseg.evaluation.summary import MEAN_OF_SETS, TOGETHER, summarise, tables, write_summary


def row(seed: int, dataset: str, kind: str, forged_share: float = 0.3) -> dict:
    rng = np.random.default_rng(seed)
    truth, score = rng.random((30, 30)) < forged_share, rng.random((30, 30))
    figures, *counts = figures_and_counts(score > 0.5, score, truth)
    return dict(
        dataset=dataset,
        kind=kind,
        picture=str(seed),
        is_pristine=not truth.any(),
        called_forged=seed % 2 == 0,
        **figures,
        image_score=float(score[0, 0]),
        **kept_counts(*counts),
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


def test_a_set_whose_name_is_a_path_is_in_the_mean_of_sets() -> None:
    rows = [row(0, 'osn/facebook', ''), row(1, 'osn/weibo', ''), row(2, 'nist', ''), row(3, 'nist', '')]
    groups = {each.name: each.values for each in summarise(rows)}
    assert list(groups) == ['', 'nist', 'osn/facebook', 'osn/weibo', MEAN_OF_SETS]
    sets = [groups[name]['iou'] for name in ('nist', 'osn/facebook', 'osn/weibo')]
    assert groups[MEAN_OF_SETS]['iou'] == pytest.approx(np.mean(sets))
    both = {each.name: each.values for each in summarise(rows[:2])}
    assert both[MEAN_OF_SETS]['iou'] == pytest.approx(np.mean(sets[1:]))


def test_a_threshold_of_the_image_score_calls_pictures_forged(rows: list[dict]) -> None:
    by_mask, by_score = (summarise(rows, image_threshold=threshold)[0].values for threshold in (None, 0.5))
    called = np.array([each['image_score'] > 0.5 for each in rows])
    truth = np.array([not each['is_pristine'] for each in rows])
    assert by_score['image_accuracy'] == (called == truth).mean() != by_mask['image_accuracy']
    assert by_score['image_auc'] == by_mask['image_auc']


def test_every_figure_has_an_interval_and_that_of_the_mean_is_of_pictures_drawn_within_each_set() -> None:
    rows = [row(seed, name, '', 0.3 * (seed % 3 > 0)) for name in 'ab' for seed in range(12 if name == 'a' else 6)]
    groups = {each.name: each for each in summarise(rows, resamples=400)}
    for each in groups.values():
        assert set(each.bounds) == set(each.values)
        assert all(low <= high for low, high in each.bounds.values() if not math.isnan(low))
        defined = {name for name, value in each.values.items() if not math.isnan(value)}
        assert {'pooled_auc', 'pooled_border_f1', 'image_auc', 'image_f1', 'iou'} - {'pooled_border_f1'} <= defined
        assert all(math.isnan(each.bounds[name][0]) for name in set(each.values) - defined)
    spans = {name: np.ptp(groups[name].bounds['auc']) for name in ('a', 'b', MEAN_OF_SETS)}
    assert spans[MEAN_OF_SETS] == pytest.approx(math.hypot(spans['a'], spans['b']) / 2, rel=0.15)
    low, high = groups[MEAN_OF_SETS].bounds['pooled_forged_f1']
    assert low < groups[MEAN_OF_SETS].values['pooled_forged_f1'] < high


def test_the_screen_has_a_line_a_group_in_each_table(rows: list[dict]) -> None:
    averages, together = (str(each) for each in tables(summarise(rows)))
    for drawn in (averages, together):
        assert len(drawn.splitlines()) == 6 + 4 and '| mean of sets |' in drawn
    assert 'macro F1' in averages and 'pooled IoU' in together and 'image AUC' in together
    assert '-' in averages and '[' not in averages


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
    assert records[-1]['pooled_iou_low'] < records[-1]['pooled_iou'] < records[-1]['pooled_iou_high']
    markdown = (tmp_path / 'summary.md').read_text().split('\n\n')
    for lines, names in zip((each.splitlines() for each in markdown), (FIGURES, TOGETHER), strict=True):
        assert len(lines) == 2 + len(groups)
        for each, line in zip(groups, lines[2:], strict=True):
            assert line.count('[') == sum(not math.isnan(each.values[name]) for name in names)
