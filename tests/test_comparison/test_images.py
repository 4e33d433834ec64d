"""The images of a report."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure
from mmseg.registry import DATASETS

from focal_mmseg.comparison.images import image_metrics, read_map, spread_evenly, write_masks, write_scatter
from focal_mmseg.datasets.tested_images import read_mask, sources
from focal_mmseg.visualization.figures import new_figure


@pytest.fixture
def dataset(forged_set: Path) -> dict:
    return dict(
        type='ForgeryDataset',
        dataset_name='small',
        data_root=str(forged_set / 'test'),
        data_prefix=dict(img_path='images', seg_map_path='masks'),
    )


def test_sources_are_the_images_and_masks_of_the_set(dataset: dict, forged_set: Path) -> None:
    found = list(sources(DATASETS.build(dataset)))
    assert [each.name for each in found] == ['copy-move/00000', 'pristine/00000', 'splice/00000', 'splice/00001']
    for each in found:
        bgr = cv2.imread(str(forged_set / 'test' / 'images' / f'{each.name}.jpg'))
        mask = cv2.imread(str(forged_set / 'test' / 'masks' / f'{each.name}.png'), cv2.IMREAD_GRAYSCALE)
        np.testing.assert_array_equal(each.image(), bgr[..., ::-1])
        np.testing.assert_array_equal(each.truth(mask.shape), mask)


def test_sets_that_are_put_together_give_all_their_images(dataset: dict) -> None:
    twice = dict(type='ConcatDataset', datasets=[dataset, dict(dataset, dataset_name='again')])
    found = list(sources(DATASETS.build(twice)))
    assert [each.dataset for each in found] == ['small'] * 4 + ['again'] * 4
    repeated = dict(type='RepeatDataset', times=3, dataset=dataset)
    assert len(list(sources(DATASETS.build(repeated)))) == 4


def test_an_image_without_a_mask_file_is_pristine(dataset: dict, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((6, 8, 3), np.uint8))
    alone = dict(type='ForgeryDataset', data_prefix=dict(img_path=str(tmp_path)), pristine_without_mask=True)
    (source,) = sources(DATASETS.build(alone))
    assert not source.truth((6, 8)).any()


@pytest.mark.parametrize(('number', 'places'), [(1, [0]), (2, [0, 9]), (4, [0, 3, 6, 9]), (20, list(range(10)))])
def test_images_are_spread_over_the_set(number: int, places: list[int]) -> None:
    assert spread_evenly(list(range(10)), number) == places


def test_the_grid_has_a_column_a_model_and_goes_on_without_a_mask(
    dataset: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = list(sources(DATASETS.build(dataset)))
    folders = {'two': tmp_path / 'two', 'one': tmp_path / 'one'}
    (tmp_path / 'one' / 'small' / 'splice').mkdir(parents=True)
    cv2.imwrite(str(tmp_path / 'one' / 'small' / 'splice' / '00000.png'), np.full((128, 128), 255, np.uint8))
    assert read_mask(folders['one'], found[2]).all() and read_mask(folders['two'], found[2]) is None
    drawn = []
    monkeypatch.setattr('focal_mmseg.comparison.images.plot_grid', lambda *given: drawn.extend(given))
    write_masks(tmp_path / 'grid.png', found[1:3], folders, {'one': {}, 'two': {}})
    _, rows, heads, labels, _ = drawn
    assert heads == ('input', 'truth', 'two', 'one') and labels == ['pristine/00000', 'splice/00000']
    image, truth, without, mask = rows[1]
    np.testing.assert_array_equal(image, found[2].image())
    np.testing.assert_array_equal(truth, found[2].truth(truth.shape))
    assert (without == 127).all() and (mask == 255).all()
    assert not rows[0][1].any()


def test_a_map_that_a_model_gives_stands_behind_its_mask(
    dataset: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = list(sources(DATASETS.build(dataset)))
    folders = {'sure': tmp_path / 'sure', 'plain': tmp_path / 'plain'}
    (tmp_path / 'sure' / 'confidence' / 'small' / 'splice').mkdir(parents=True)
    levels = np.linspace(0, 65535, 128 * 128).reshape(128, 128).astype(np.uint16)
    cv2.imwrite(str(tmp_path / 'sure' / 'confidence' / 'small' / 'splice' / '00000.png'), levels)
    drawn = []
    monkeypatch.setattr('focal_mmseg.comparison.images.plot_grid', lambda *given: drawn.extend(given))
    values = {'sure': {('small', 'splice/00000'): 0.5}, 'plain': {('small', 'splice/00000'): 0.25}}
    write_masks(tmp_path / 'grid.png', found[1:3], folders, values)
    _, rows, heads, _, captions = drawn
    assert heads == ('input', 'truth', 'sure', 'sure: confidence', 'plain')
    np.testing.assert_allclose(rows[1][3], levels / 65535, atol=1e-6)
    assert rows[1][3].dtype == np.float32 and (rows[0][3] == 127).all()
    assert captions[1] == ['', '', '0.500', '', '0.250']
    assert read_map(folders['sure'], found[2], 'edge') is None


def test_the_grid_is_written(dataset: dict, tmp_path: Path) -> None:
    found = list(sources(DATASETS.build(dataset)))
    write_masks(tmp_path / 'grid.png', found, {'one': tmp_path}, {'one': {('small', 'splice/00000'): 0.123}})
    grid = cv2.imread(str(tmp_path / 'grid.png'))
    assert grid.shape[0] / grid.shape[1] == pytest.approx(2.3 * 4 / (2.2 * 3), rel=0.05)


def test_the_metric_stands_above_the_mask(dataset: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    monkeypatch.setattr('focal_mmseg.comparison.images.plot_grid', lambda *given: drawn.extend(given))
    found = list(sources(DATASETS.build(dataset)))
    rows = [
        dict(dataset='small', image='splice/00000', is_pristine=False, iou=0.25),
        dict(dataset='small', image='pristine/00000', is_pristine=True, iou=1.0),
        dict(dataset='small', image='splice/00001', is_pristine=False, iou=float('nan')),
    ]
    values = {'one': image_metrics(rows, 'iou')}
    assert values == {'one': {('small', 'splice/00000'): 0.25}}
    write_masks(tmp_path / 'grid.png', found[1:3], {'one': tmp_path}, values)
    assert drawn[2] == ('input', 'truth', 'one')
    assert drawn[4] == [['', '', ''], ['', '', '0.250']]


def test_the_scatter_has_a_panel_a_model_with_the_first_across(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = []

    def keep(*size: float) -> Figure:
        figures.append(new_figure(*size))
        return figures[-1]

    monkeypatch.setattr('focal_mmseg.comparison.images.new_figure', keep)
    values = {('set', 'p'): 0.9, ('set', 'q'): 0.2, ('set', 'r'): 0.5, ('set', 's'): 0.5}
    others = {
        'b': {('set', 'p'): 0.1, ('set', 'q'): 0.3, ('set', 'r'): 0.4, ('set', 's'): 0.5},
        'c': {('set', 'q'): 1.0, ('set', 'nowhere else'): 0.0},
    }
    write_scatter(tmp_path / 'scatter.png', ('a', values), others, 'IoU')
    first, second = figures[0].axes
    assert (first.get_xlabel(), first.get_ylabel(), second.get_ylabel()) == ('IoU, a', 'IoU, b', 'IoU, c')
    points = [panel.collections[0].get_offsets().tolist() for panel in (first, second)]
    assert points == [[[0.9, 0.1], [0.2, 0.3], [0.5, 0.4], [0.5, 0.5]], [[0.2, 1.0]]]
    assert first.get_title() == 'better a: 2\nbetter b: 1' and second.get_title() == 'better a: 0\nbetter c: 1'
    drawn = cv2.imread(str(tmp_path / 'scatter.png'))
    assert drawn.shape[1] > 1.5 * drawn.shape[0]
