"""The work behind a comparison, with tools that only pretend to run."""

from collections.abc import Callable
from pathlib import Path

import pytest

from focal_mmseg.comparison.comparison import folder_names
from focal_mmseg.evaluation import write_rows


def test_folders_are_told_apart_where_names_are_nearly_the_same() -> None:
    names = ['FOCAL (HRNet)', 'FOCAL-HRNet', '模型', '方法', 'FOCAL, image by image, seed 0', 'C++']
    found = folder_names(names)
    assert len(set(found.values())) == len(names) and all(found.values())
    assert found['FOCAL, image by image, seed 0'] == 'focal-image-by-image-seed-0' and found['C++'] == 'cpp'
    assert found['FOCAL (HRNet)'].startswith('focal-hrnet-') and found == folder_names(names[::-1])


def test_nothing_is_done_twice_whatever_models_and_sets_are_called(
    comparison_of: Callable, config: str, ran: list, execute: Callable
) -> None:
    plan = dict(
        runs=[dict(name='A', config=config, train=True), dict(name='a', config=config, options=['b=1'])],
        sets=[dict(name='train'), dict(name='masks'), dict(name='Train')],
        degradations=['jpeg:30'],
    )
    execute(comparison_of(**plan))
    assert len(ran) == 9
    assert [each.title for each in comparison_of(**plan).jobs() if not each.is_done] == []


def test_a_set_that_two_sources_have_is_a_column_of_each(
    comparison_of: Callable, config: str, ran: list, execute: Callable, tmp_path: Path
) -> None:
    (tmp_path / 'data.py').write_text('test_dataloader = dict(dataset=dict())\n')
    (tmp_path / 'config.py').write_text('test_pipeline = []\ntest_dataloader = dict(dataset=dict())\n')
    comparison = comparison_of(
        runs=[dict(name='A', config=config)],
        sets=[dict(name='casia1'), dict(name='six', data=str(tmp_path / 'data.py'))],
    )
    execute(comparison)
    assert {name: [each['iou'] for each in rows] for name, rows in comparison.results['A'].items()} == {
        'casia1': [0.2],
        'six: casia1': [0.8],
        'misd': [0.4],
    }


def test_a_config_that_breaks_later_stops_nothing(
    comparison_of: Callable, config: str, ran: list, execute: Callable, tmp_path: Path
) -> None:
    plan = dict(runs=[dict(name='A', config=config), dict(name='B', config=str(tmp_path / 'b.py'))])
    (tmp_path / 'b.py').write_text('a = 1')
    execute(comparison_of(**plan))
    (tmp_path / 'b.py').write_text('a = (')
    comparison = comparison_of(**plan)
    (planned,) = [each for each in comparison.jobs() if not each.is_done]
    assert planned.title == 'testing B' and list(comparison.tested) == ['A']
    with pytest.raises(ValueError, match=r'b\.py cannot be read'):
        planned.describe().run()


def test_weights_of_another_model_are_those_it_was_trained_to(
    comparison_of: Callable, config: str, ran: list, execute: Callable, tmp_path: Path
) -> None:
    (tmp_path / 'data.py').write_text('train_dataloader = dict(dataset=dict())\n')
    (tmp_path / 'config.py').write_text('train_pipeline = []\ntrain_dataloader = dict(dataset=dict())\n')
    comparison = comparison_of(
        data=str(tmp_path / 'data.py'),
        runs=[
            dict(name='A', config=config, train=True),
            dict(name='B', config=config, checkpoint='{weights of A}'),
            dict(name='C', config=config, options=['model.members.0.checkpoint={weights of B}']),
        ],
    )
    assert not any(each.is_done for each in comparison.jobs())
    with pytest.raises(RuntimeError, match='the training of A is not done'):
        list(comparison.jobs())[-1].describe()
    execute(comparison)
    weights = str(tmp_path / 'out' / 'a' / 'train' / 'iter_1.pth')
    assert ran[0][-2:] == ['--data', str(tmp_path / 'data.py')]
    assert ran[2][:3] == ['test.py', config, weights] and '--data' not in ran[2]
    assert ran[3][-1] == f'model.members.0.checkpoint={weights}'


def test_a_model_says_how_many_of_its_trainings_are_there(comparison_of: Callable, config: str, ran: list) -> None:
    comparison = comparison_of(runs=[dict(name='A', config=config, train=True, seeds=[0, 1, 2])])
    for planned in list(comparison.jobs())[:4]:
        planned.describe().run()
    assert list(comparison.table().rows) == ['A (2 of 3 trainings)']


@pytest.mark.parametrize(('rule', 'expected'), [('exclude', 0.4), ('paper', 0.7), ('zero', 0.2)])
def test_pristine_images_count_by_the_plan(
    comparison_of: Callable,
    config: str,
    ran: list,
    execute: Callable,
    row: Callable,
    tmp_path: Path,
    rule: str,
    expected: float,
) -> None:
    comparison = comparison_of(runs=[dict(name='A', config=config)], metrics=['iou'], pristine=rule)
    execute(comparison)
    rows = [row('mine', 0.4), {**row('mine', 1.0, True), 'image': '2'}]
    write_rows(tmp_path / 'out' / 'a' / 'test' / 'own' / 'masks' / 'images.csv', rows)
    assert comparison.table().rows['A'] == pytest.approx([expected])
