"""The tables of a test."""

import math

import numpy as np
import pytest

from focal_mmseg.evaluation.localisation import metrics_and_counts
from focal_mmseg.evaluation.pooling import count_columns, score_histogram
from focal_mmseg.evaluation.summary import MEAN_OF_SETS, summarise, summary_tables


def row(seed: int, dataset: str, kind: str, forged_share: float = 0.3) -> dict:
    rng = np.random.default_rng(seed)
    truth, score = rng.random((30, 30)) < forged_share, rng.random((30, 30))
    figures, *counts = metrics_and_counts(score > 0.5, score, truth)
    return dict(
        dataset=dataset,
        kind=kind,
        image=str(seed),
        is_pristine=not truth.any(),
        called_forged=seed % 2 == 0,
        **figures,
        image_score=float(score[0, 0]),
        **count_columns(*counts),
        histogram=score_histogram(score.ravel(), truth.ravel()),
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
    assert (groups['b/pristine'].forged, groups['b/pristine'].pristine) == (0, 1)


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


def test_a_threshold_of_the_image_score_calls_images_forged(rows: list[dict]) -> None:
    by_mask, by_score = (summarise(rows, image_threshold=threshold)[0].values for threshold in (None, 0.5))
    called = np.array([each['image_score'] > 0.5 for each in rows])
    truth = np.array([not each['is_pristine'] for each in rows])
    assert by_score['image_accuracy'] == (called == truth).mean() != by_mask['image_accuracy']
    assert by_score['image_auc'] == by_mask['image_auc']


def test_every_figure_has_an_interval_and_that_of_the_mean_is_of_images_drawn_within_each_set() -> None:
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


def test_forged_and_pristine_images_have_a_line_each_and_never_one_mean(rows: list[dict]) -> None:
    averages, together = (str(each).splitlines()[3:-1] for each in summary_tables(summarise(rows)))
    cells = [[cell.strip() for cell in line.strip('|').split('|')] for line in averages]
    assert [tuple(line[:3]) for line in cells] == [
        ('all', 'forged', '4'),
        ('all', 'pristine', '1'),
        ('a', 'forged', '3'),
        ('b', 'forged', '1'),
        ('b', 'pristine', '1'),
        ('b/pristine', 'pristine', '1'),
        ('b/splice', 'forged', '1'),
        (MEAN_OF_SETS, 'forged', '4'),
        (MEAN_OF_SETS, 'pristine', '1'),
    ]
    forged = [row['iou'] for row in rows if not row['is_pristine']]
    assert cells[0][5] == f'{np.mean(forged):.3f}' and cells[0][-1] == '-'
    assert cells[1][3:-1] == ['-'] * 4 and cells[1][-1] == f'{rows[3]["false_alarm"]:.3f}'
    assert [line.split('|')[1].strip() for line in together] == [
        'all',
        'a',
        'b',
        'b/pristine',
        'b/splice',
        MEAN_OF_SETS,
    ]


@pytest.mark.parametrize('rule', ['paper', 'zero'])
def test_a_rule_that_mixes_images_says_that_its_means_are_of_all(rows: list[dict], rule: str) -> None:
    (averages, _) = (str(each).splitlines()[3:-1] for each in summary_tables(summarise(rows, rule)[:1]))
    cells = [[cell.strip() for cell in line.strip('|').split('|')] for line in averages]
    assert [tuple(line[:3]) for line in cells] == [('all', 'pristine', '1'), ('all', 'all', '5')]
    pristine = rows[3]['iou'] if rule == 'paper' else 0.0
    assert cells[1][5] == f'{(sum(row["iou"] for row in rows if not row["is_pristine"]) + pristine) / 5:.3f}'
