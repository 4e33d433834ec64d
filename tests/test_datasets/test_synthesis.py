"""The making of forgeries: the same for a seed, true to its masks, and in the layout that ForgeryDataset reads."""

import csv
import hashlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from focal_mmseg.datasets import ForgeryDataset
from focal_mmseg.datasets.synthesis import (
    PACKAGED,
    Draw,
    Sources,
    load_packaged,
    make_image,
    read_recipe,
    scenes,
    synthesize,
)
from focal_mmseg.datasets.synthesis.history import compress

SIZE = 96
COUNTS = {'splice': 3, 'copy-move': 2, 'pristine': 2}
MADE = {
    'demo': 'f772d41373801a0f',
    'psccnet': '339803cfbca3fb3a',
    'tampcoco': '7ccfcf49c647dfc1',
    'world': '1f5b642879f6067f',
}


@pytest.fixture(scope='module')
def natural() -> dict[str, np.ndarray]:
    return {name: load_packaged(name) for name in ('chelsea', 'coffee', 'rocket')}


def write(natural: dict[str, np.ndarray], counts: dict[str, int], out: Path, seed: int = 0) -> Path:
    synthesize(Sources(natural), replace(read_recipe('demo'), size=SIZE), counts, out, seed)
    return out


@pytest.fixture(scope='module')
def made(natural, tmp_path_factory) -> Path:
    return write(natural, COUNTS, tmp_path_factory.mktemp('made'))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob('*') if path.is_file()}


def manifest(folder: Path) -> list[dict[str, str]]:
    with (folder / 'manifest.csv').open(encoding='utf-8', newline='') as file:
        return list(csv.DictReader(file))


# --- the files


def test_the_same_seed_writes_the_same_bytes(natural, made, tmp_path) -> None:
    again = dict(reversed(natural.items()))
    assert contents(write(again, dict(reversed(COUNTS.items())), tmp_path)) == contents(made)


def test_another_seed_writes_other_images(natural, made, tmp_path) -> None:
    first, other = contents(made), contents(write(natural, COUNTS, tmp_path, seed=1))
    assert first.keys() == other.keys()
    assert not [name for name in first if name.endswith('.jpg') and first[name] == other[name]]


def test_a_larger_set_begins_with_the_smaller(natural, made, tmp_path) -> None:
    larger = write(natural, {kind: count + 1 for kind, count in COUNTS.items()}, tmp_path)
    smaller = {name: content for name, content in contents(made).items() if not name.startswith('manifest')}
    assert smaller.items() < contents(larger).items()
    assert all(row in manifest(larger) for row in manifest(made))


def test_there_are_an_image_and_a_mask_of_each_and_nothing_else(made) -> None:
    numbers = [(kind, number) for kind, count in COUNTS.items() for number in range(count)]
    expected = {f'images/{kind}/{number:05d}.jpg' for kind, number in numbers}
    expected |= {f'masks/{kind}/{number:05d}.png' for kind, number in numbers}
    assert contents(made).keys() == expected | {'manifest.csv', 'synthesis.json'}


def test_the_layout_is_the_data_sets(made) -> None:
    data = ForgeryDataset(data_root=str(made), data_prefix=dict(img_path='images', seg_map_path='masks'))
    kinds = [data.get_data_info(index)['kind'] for index in range(len(data))]
    assert {kind: kinds.count(kind) for kind in kinds} == COUNTS


def test_masks_are_black_and_white_and_empty_for_pristine_images_alone(made) -> None:
    for path in (made / 'masks').rglob('*.png'):
        mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert mask.shape == (SIZE, SIZE)
        assert set(np.unique(mask)) == ({0} if path.parent.name == 'pristine' else {0, 255})


def test_the_manifest_tells_how_each_image_was_made(natural, made) -> None:
    rows = manifest(made)
    assert [row['kind'] for row in rows] == sorted(kind for kind, count in COUNTS.items() for _ in range(count))
    for row in rows:
        assert (made / 'images' / f'{row["image"]}.jpg').is_file()
        assert row['host'] in natural
        assert 1 <= int(row['quality']) <= 100
        mask = cv2.imread(str(made / 'masks' / f'{row["image"]}.png'), cv2.IMREAD_UNCHANGED)
        if row['kind'] == 'pristine':
            assert row['donor'] == row['share'] == row['processing'] == ''
        else:
            assert (row['donor'] == row['host']) == (row['kind'] == 'copy-move')
            assert row['processing'] in ('blur', 'jpeg', 'noise')
            assert float(row['share']) == pytest.approx((mask == 255).mean(), abs=1e-4)
            assert 0.01 < float(row['share']) < 0.5


def test_copy_move_and_pristine_need_one_photograph_only(natural, tmp_path) -> None:
    one = {'chelsea': natural['chelsea']}
    write(one, {'copy-move': 1, 'pristine': 1}, tmp_path)
    assert [row['host'] for row in manifest(tmp_path)] == ['chelsea', 'chelsea']


@pytest.mark.parametrize(
    ('names', 'counts', 'says'),
    (
        (('chelsea', 'coffee'), {'splise': 1}, 'unknown kinds of forgery: splise; there are splice, copy-move, remov'),
        (('chelsea',), {'splice': 1}, 'splicing needs at least two photographs'),
        ((), {'pristine': 1}, 'there is no photograph'),
    ),
)
def test_what_cannot_be_made_is_refused_before_anything_is_written(natural, tmp_path, names, counts, says) -> None:
    with pytest.raises(ValueError, match=says):
        write({name: natural[name] for name in names}, counts, tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


@pytest.mark.skipif(cv2.__version__ != '5.0.0', reason='the hashes are of images that OpenCV 5.0.0 made')
@pytest.mark.parametrize('name', sorted(MADE))
def test_the_same_seed_makes_what_it_made(natural, name) -> None:
    recipe, found = read_recipe(name), hashlib.sha256()
    for kind in recipe.kinds:
        for index in range(3):
            made = make_image(Sources(natural), recipe, kind, index, 0)
            found.update(made.forgery.image.tobytes() + made.forgery.mask.tobytes())
    assert found.hexdigest()[:16] == MADE[name]


# --- what is drawn


def test_compression_keeps_the_order_of_the_colours() -> None:
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 200
    np.testing.assert_allclose(compress(red, 90).astype(int), red, atol=4)


def test_a_mask_in_the_middle_explains_none_of_the_demos_forgeries(natural) -> None:
    sources, recipe = Sources(natural), read_recipe('demo')
    masks = [
        make_image(sources, recipe, kind, index, 0).forgery.mask > 0
        for kind in ('splice', 'copy-move')
        for index in range(60)
    ]
    assert all(0.01 < mask.mean() < 0.3 for mask in masks)
    covered = np.mean(masks, axis=0)
    third = recipe.size // 3
    middle, corners = covered[third:-third, third:-third], covered[[*range(third), *range(-third, 0)]]
    assert middle.mean() < 1.3 * corners[:, [*range(third), *range(-third, 0)]].mean()


def test_parts_stay_inside_unless_they_may_reach_over_the_border(natural) -> None:
    sources = Sources(natural)
    for over, touches in ((0.0, False), (1.0, True)):
        recipe = replace(read_recipe('demo'), over_border=over, softness=Draw(0.0, 0, 0))
        masks = [make_image(sources, recipe, 'splice', index, 0).forgery.mask for index in range(20)]
        # A part that is cut off by the border is straight there.
        sides = [max(np.count_nonzero(mask[line]) for line in (0, -1)) for mask in masks]
        sides += [max(np.count_nonzero(mask[:, line]) for line in (0, -1)) for mask in masks]
        assert (max(sides) > 30) == touches


# --- the photographs


@pytest.mark.parametrize('name', PACKAGED)
def test_a_packaged_photograph_is_a_natural_rgb_image(name) -> None:
    image = load_packaged(name)
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
    assert min(image.shape[:2]) >= 256
    assert image.flags['C_CONTIGUOUS']
    grey = image.astype(float).mean(2)
    assert grey.std() > 20
    neighbours = np.corrcoef(grey[:, :-1].ravel(), grey[:, 1:].ravel())[0, 1]
    assert neighbours > 0.9
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 5000


def test_the_motorcycle_is_the_left_image_of_its_pair() -> None:
    from skimage import data

    left, right, _ = data.stereo_motorcycle()
    np.testing.assert_array_equal(load_packaged('motorcycle'), left)
    assert not np.array_equal(left, right)


def test_an_unknown_photograph_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="no packaged photograph 'lena', there are astronaut, chelsea"):
        load_packaged('lena')


def test_without_scikit_image_the_extra_is_named(monkeypatch) -> None:
    monkeypatch.setitem(__import__('sys').modules, 'skimage', None)
    with pytest.raises(ImportError, match=r'pip install "\.\[demo\]"'):
        scenes.load_packaged('chelsea')
    assert load_packaged('china').shape == (427, 640, 3)
