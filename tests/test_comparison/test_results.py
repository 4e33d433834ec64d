"""Tables out of the figures of each image."""

import math

import pytest

from focal_mmseg.comparison.results import (
    average_over_sets,
    degradations_table,
    differences_table,
    intervals_table,
    means_table,
    trainings_table,
)
from focal_mmseg.evaluation.localisation import LOCALISATION_METRICS


def rows_of(dataset: str, values: list[float], is_pristine: bool = False) -> list[dict]:
    return [
        dict(
            dataset=dataset,
            kind='',
            image=str(number),
            is_pristine=is_pristine,
            **dict.fromkeys(LOCALISATION_METRICS, value),
        )
        for number, value in enumerate(values)
    ]


RESULTS = {
    'A': {'one': rows_of('one', [0.5, 0.7]), 'two': rows_of('two', [0.4])},
    'B': {'one': rows_of('one', [0.2, 0.6])},
}


def test_means_have_a_group_a_set_and_one_of_all() -> None:
    table = means_table(RESULTS, ['iou', 'auc'])
    assert [(each.group, each.metric) for each in table.columns] == [
        *[('one', 'iou'), ('one', 'auc'), ('two', 'iou'), ('two', 'auc')],
        *[('mean of sets', 'iou'), ('mean of sets', 'auc')],
    ]
    assert table.rows['A'] == pytest.approx([0.6, 0.6, 0.4, 0.4, 0.5, 0.5])
    assert table.rows['B'][:2] == pytest.approx([0.4, 0.4]) and all(map(math.isnan, table.rows['B'][2:]))


def test_a_set_without_pristine_images_has_no_part_in_the_mean_of_false_alarms() -> None:
    forged = {'false_alarm': math.nan}
    two = [each | forged for each in rows_of('two', [0.4])]
    results = {model: {'one': rows_of('one', [alarm], True), 'two': two} for model, alarm in (('A', 0.1), ('B', 0.3))}
    table = means_table(results, ['iou', 'false_alarm'])
    assert [row[-1] for row in table.rows.values()] == pytest.approx([0.1, 0.3])
    # Who lacks what others have gets no mean.
    results['B'] = {'two': two}
    assert math.isnan(means_table(results, ['false_alarm']).rows['B'][-1])


def test_a_mean_over_sets_counts_each_once() -> None:
    rows = [*rows_of('one', [0.2, 0.4, 0.6]), *rows_of('two', [0.8])]
    assert average_over_sets(rows)['iou'] == pytest.approx(0.6)
    assert math.isnan(average_over_sets([])['iou'])


@pytest.mark.parametrize(('rule', 'mean'), [('exclude', 0.5), ('paper', 0.75), ('zero', 0.25)])
def test_every_table_counts_pristine_images_by_the_rule(rule: str, mean: float) -> None:
    pristine = {**rows_of('set', [1.0], True)[0], 'image': 'pristine'}
    results = {'A': {'set': [*rows_of('set', [0.5]), pristine]}, 'B': {'set': [*rows_of('set', [0.5]), pristine]}}
    results['B']['set'][1] = pristine | {'iou': 0.0}
    assert means_table(results, ['iou'], rule).rows['A'] == pytest.approx([mean])
    trainings = {'A': ['A'], 'B': ['B']}
    assert intervals_table(results, trainings, results, 'iou', rule).rows['A'] == pytest.approx([mean])
    gain = differences_table(results, 'iou', rule).rows['B'][0]
    assert gain == pytest.approx(0.5 if rule == 'paper' else 0)


def test_intervals_name_the_span_of_several_trainings() -> None:
    each = {'A, seed 0': {'one': rows_of('one', [0.4, 0.6])}, 'A, seed 1': {'one': rows_of('one', [0.6, 0.8])}}
    results = {'A': {'one': rows_of('one', [0.5, 0.7])}, 'B': RESULTS['B']}
    trainings = {'A': list(each), 'B': ['B']}
    table = intervals_table(results, trainings, each | {'B': RESULTS['B']}, 'iou')
    assert table.rows['A'] == pytest.approx([0.6])
    assert table.notes == {'A': ['[0.500, 0.700], trainings 0.500 to 0.700'], 'B': ['[0.200, 0.600]']}


def test_differences_are_from_the_first_model() -> None:
    table = differences_table(RESULTS, 'iou')
    assert table.title == 'A above' and list(table.rows) == ['B']
    assert table.rows['B'][0] == pytest.approx(0.2) and math.isnan(table.rows['B'][1])
    assert table.notes['B'] == ['[0.100, 0.300]', '']


@pytest.mark.parametrize('figure', ['iou', 'auc', 'false_alarm'])
def test_differences_are_those_of_the_means_also_with_pristine_images(figure: str) -> None:
    results = {
        model: {'set': [*rows_of('set', forged), {**rows_of('set', [kept], True)[0], 'image': 'pristine'}]}
        for model, forged, kept in (('A', [0.1, 0.2], 1.0), ('B', [0.4, 0.3], 0.5))
    }
    ours, theirs = (row[0] for row in means_table(results, [figure]).rows.values())
    assert differences_table(results, figure).rows['B'][0] == pytest.approx(ours - theirs)


def test_degradations_stand_side_by_side_and_what_is_missing_has_no_value() -> None:
    clean = {'A': dict(iou=0.5, auc=0.9)}
    degraded = {'A': {'jpeg:70': dict(iou=0.3, auc=0.7)}, 'B': {'blur:3': dict(iou=0.2, auc=0.6)}}
    table = degradations_table(clean, degraded, ['iou', 'auc'])
    assert [(each.group, each.metric) for each in table.columns[::2]] == [
        (name, 'iou') for name in ('none', 'jpeg:70', 'blur:3')
    ]
    nothing = math.nan
    assert table.rows['A'] == pytest.approx([0.5, 0.9, 0.3, 0.7, nothing, nothing], nan_ok=True)
    assert table.rows['B'] == pytest.approx([nothing] * 4 + [0.2, 0.6], nan_ok=True)


def test_a_training_is_told_by_its_end_its_pace_and_its_spikes() -> None:
    smooth = [dict(iter=step, loss=float(100 - step), time=0.5) for step in range(100)]
    # Every fourth step is one above the line.
    spiky = [each | dict(loss=each['loss'] + (each['iter'] % 4 == 0), time=0.5 + each['iter']) for each in smooth]
    table = trainings_table({'smooth': [smooth], 'both': [smooth, spiky]})
    # The last twenty losses are 1 to 20.
    assert table.rows['smooth'][:2] == pytest.approx([10.5, 0.5])
    assert table.rows['both'][:2] == pytest.approx([(10.5 + 10.75) / 2, (0.5 + 50) / 2])
    assert table.rows['both'][2] > 0 and table.rows['smooth'][2] < table.rows['both'][2]
    assert math.isnan(trainings_table({'A': [[dict(iter=1, loss=1.0)]]}).rows['A'][1])
