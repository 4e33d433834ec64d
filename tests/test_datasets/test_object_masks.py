"""Masks of objects out of COCO files and PNG files of labels."""

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import cv2
import numpy as np
import pytest

from focal_mmseg.datasets.synthesis import ObjectMasks, Recipe, Sources, load_packaged
from focal_mmseg.datasets.synthesis.recipe import Draw
from focal_mmseg.datasets.synthesis.regions import object_region
from focal_mmseg.datasets.synthesis.scenes import Scene
from focal_mmseg.datasets.synthesis.writer import make_image

SHAPE = (300, 451)


def coco(folder: Path, segmentations: list, file_name: str = 'chelsea.png', shape: tuple[int, int] = SHAPE) -> None:
    image = dict(id=3, file_name=file_name, height=shape[0], width=shape[1])
    annotations = [dict(id=number, image_id=3, segmentation=each) for number, each in enumerate(segmentations)]
    (folder / 'instances.json').write_text(json.dumps(dict(images=[image], annotations=annotations)))


def test_polygons_become_masks_in_their_boxes(tmp_path: Path) -> None:
    coco(tmp_path, [[[10, 20, 109, 20, 109, 79, 10, 79]], [[0, 0, 9, 0, 0, 9], [20, 0, 29, 0, 20, 9]]])
    found = ObjectMasks(tmp_path, ['a/chelsea.png', 'coffee.png'])
    assert list(found) == ['a/chelsea.png']
    square, pair = found['a/chelsea.png']
    assert square.box == (10, 20, 100, 60) and square.shape == SHAPE
    assert square.render().all() and square.area == pytest.approx(6000, rel=0.05)
    assert pair.render().shape == pair.box[:1:-1] and 80 < pair.render().sum() < 120


def test_an_image_without_its_size_is_named(tmp_path: Path) -> None:
    image = dict(id=3, file_name='chelsea.png', width=451)
    annotation = dict(id=0, image_id=3, segmentation=[[10, 20, 109, 20, 109, 79]])
    (tmp_path / 'instances.json').write_text(json.dumps(dict(images=[image], annotations=[annotation])))
    with pytest.raises(ValueError, match=r'instances\.json: the image chelsea\.png has no height$'):
        ObjectMasks(tmp_path, ['chelsea.png'])


def test_asking_whether_there_are_masks_reads_none(tmp_path: Path) -> None:
    (tmp_path / 'chelsea.png').write_bytes(b'no image')
    found = ObjectMasks(tmp_path, ['chelsea.png', 'coffee.png'])
    assert 'chelsea.png' in found and 'coffee.png' not in found
    with pytest.raises(ValueError, match='cannot read'):
        found['chelsea.png']


def test_a_name_that_two_photographs_share_is_taken_for_neither(tmp_path: Path) -> None:
    coco(tmp_path, [[[10, 20, 109, 20, 109, 79, 10, 79]]])
    with pytest.raises(ValueError, match='holds no mask of an object in any of the 2 photographs'):
        ObjectMasks(tmp_path, ['a/chelsea.png', 'b/chelsea.png'])


def test_what_cannot_be_read_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'pycocotools', None)
    code = dict(size=list(SHAPE), counts='abc')
    coco(tmp_path, [[[10, 20, 109, 20, 109, 79]], code, [], [[1, 1, 2, 2]], [[1, 1, 2, 1, 2, 2]]])
    found = ObjectMasks(tmp_path, ['chelsea.png'])
    assert len(found['chelsea.png']) == 1
    assert dict(found.skipped) == {
        'run-length code without pycocotools': 1,
        'without a mask': 2,
        'too small': 1,
    }


def test_run_length_codes_are_read_by_pycocotools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    truth = np.zeros(SHAPE, np.uint8)
    truth[40:90, 30:130] = 1
    coder = SimpleNamespace(
        frPyObjects=lambda code, height, width: code,
        toBbox=lambda code: np.array([30.0, 40.0, 100.0, 50.0]),
        area=lambda code: 5000,
        decode=lambda code: np.asfortranarray(truth),
    )
    module = ModuleType('pycocotools')
    module.mask = coder
    monkeypatch.setitem(sys.modules, 'pycocotools', module)
    coco(tmp_path, [dict(size=list(SHAPE), counts=[1, 2])])
    (found,) = ObjectMasks(tmp_path, ['chelsea.png'])['chelsea.png']
    assert found.box == (30, 40, 100, 50) and found.render().shape == (50, 100) and found.render().all()


@pytest.mark.parametrize('colours', [False, True])
def test_a_label_file_has_an_object_a_value(tmp_path: Path, colours: bool) -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels[10:60, 20:100], labels[100:150, 20:60], labels[0, 0] = 1, 200, 5
    image = cv2.merge([labels * 0, labels, labels // 2]) if colours else labels
    (tmp_path / 'sub').mkdir()
    cv2.imwrite(str(tmp_path / 'sub' / 'chelsea.png'), image)
    found = ObjectMasks(tmp_path, ['sub/chelsea.jpg'])['sub/chelsea.jpg']
    assert sorted((each.box, each.area) for each in found) == [((20, 10, 80, 50), 4000), ((20, 100, 40, 50), 2000)]
    assert all(each.render().all() and each.shape == SHAPE for each in found)


def test_broken_files_are_named(tmp_path: Path) -> None:
    (tmp_path / 'bad.json').write_text('{')
    with pytest.raises(ValueError, match=r'cannot read .*bad\.json'):
        ObjectMasks(tmp_path, ['chelsea.png'])
    (tmp_path / 'bad.json').write_text('{"neither": 1}')
    (tmp_path / 'chelsea.png').write_bytes(b'no image')
    with pytest.raises(ValueError, match=r'cannot read .*chelsea\.png'):
        ObjectMasks(tmp_path, ['chelsea.png'])['chelsea.png']


def test_an_objects_region_follows_the_cut_and_the_scale(tmp_path: Path) -> None:
    coco(tmp_path, [[[100, 60, 199, 60, 199, 159, 100, 159]]])
    objects = ObjectMasks(tmp_path, ['chelsea.png'])['chelsea.png']
    scene = Scene(np.zeros((100, 120, 3), np.uint8), objects, 80, 32, (0.5, 0.5))
    region = object_region(scene, (1, 1e6), np.random.default_rng(0))
    assert (region.left, region.top, *region.mask.shape, region.origin) == (10, 14, 50, 50, 'object')
    beside = Scene(np.zeros((40, 10, 3), np.uint8), objects, 80, 32, (0.5, 0.5))
    assert object_region(beside, (1, 1e6), np.random.default_rng(0)) is None
    assert object_region(scene, (1, 100), np.random.default_rng(0)) is None


@pytest.mark.parametrize(('shape', 'region'), [(SHAPE, 'object'), (SHAPE[::-1], 'contour')])
def test_an_object_is_pasted_as_it_is_and_masks_of_another_size_are_not_used(
    tmp_path: Path, shape: tuple[int, int], region: str
) -> None:
    coco(tmp_path, [[[100, 60, 199, 60, 199, 159, 100, 159]]], shape=shape)
    photographs = {'chelsea.png': load_packaged('chelsea'), 'coffee.png': load_packaged('coffee')}
    sources = Sources(photographs, ObjectMasks(tmp_path, photographs))
    recipe = Recipe(size=300, share=Draw(1.0, 0.05, 0.3))
    found = make_image(sources, recipe, 'splice', 0, 0)
    assert (found.row['region'], found.row['donor'], found.row['host']) == (region, 'chelsea.png', 'coffee.png')
    if region == 'object':
        x, y, width, height = cv2.boundingRect(found.forgery.mask)
        assert (width, height) == (100, 100)
        np.testing.assert_array_equal(
            found.forgery.image[y : y + 100, x : x + 100], photographs['chelsea.png'][60:160, 100:200]
        )
