"""The making of forgeries: the same for a seed, true to its masks, and in the layout that ForgeryDataset reads."""

import csv
import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from focal_mmseg.datasets import ForgeryDataset
from focal_mmseg.datasets.synthesis import (
    PACKAGED,
    copy_move,
    load_packaged,
    photographs,
    pristine,
    splice,
    write_forgeries,
)
from focal_mmseg.datasets.synthesis.history import STRENGTHS, History, compress, live_through
from focal_mmseg.datasets.synthesis.regions import irregular_region

SIZE = 96
COUNTS = {'splice': 3, 'copy-move': 2, 'pristine': 2}


@pytest.fixture(scope='module')
def natural() -> dict[str, np.ndarray]:
    return {name: load_packaged(name) for name in ('chelsea', 'coffee', 'rocket')}


@pytest.fixture(scope='module')
def made(natural, tmp_path_factory) -> Path:
    return write_forgeries(natural, COUNTS, tmp_path_factory.mktemp('made'), size=SIZE)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob('*') if path.is_file()}


def manifest(folder: Path) -> list[dict[str, str]]:
    with (folder / 'manifest.csv').open(encoding='utf-8', newline='') as file:
        return list(csv.DictReader(file))


# --- the files


def test_the_same_seed_writes_the_same_bytes(natural, made, tmp_path) -> None:
    again = dict(reversed(natural.items()))
    assert contents(write_forgeries(again, dict(reversed(COUNTS.items())), tmp_path, size=SIZE)) == contents(made)


def test_another_seed_writes_other_pictures(natural, made, tmp_path) -> None:
    first, other = contents(made), contents(write_forgeries(natural, COUNTS, tmp_path, size=SIZE, seed=1))
    assert first.keys() == other.keys()
    assert not [name for name in first if name.endswith('.jpg') and first[name] == other[name]]


def test_a_larger_set_begins_with_the_smaller(natural, made, tmp_path) -> None:
    larger = write_forgeries(natural, {kind: count + 1 for kind, count in COUNTS.items()}, tmp_path, size=SIZE)
    smaller = {name: content for name, content in contents(made).items() if not name.startswith('manifest')}
    assert smaller.items() < contents(larger).items()
    assert all(row in manifest(larger) for row in manifest(made))


def test_there_are_a_picture_and_a_mask_of_each_and_nothing_else(made) -> None:
    numbers = [(kind, number) for kind, count in COUNTS.items() for number in range(count)]
    expected = {f'images/{kind}/{number:05d}.jpg' for kind, number in numbers}
    expected |= {f'masks/{kind}/{number:05d}.png' for kind, number in numbers}
    assert contents(made).keys() == expected | {'manifest.csv', 'synthesis.json'}


def test_the_layout_is_the_data_sets(made) -> None:
    data = ForgeryDataset(data_root=str(made), data_prefix=dict(img_path='images', seg_map_path='masks'))
    kinds = [data.get_data_info(index)['kind'] for index in range(len(data))]
    assert {kind: kinds.count(kind) for kind in kinds} == COUNTS


def test_masks_are_black_and_white_and_empty_for_pristine_pictures_alone(made) -> None:
    for path in (made / 'masks').rglob('*.png'):
        mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert mask.shape == (SIZE, SIZE)
        assert set(np.unique(mask)) == ({0} if path.parent.name == 'pristine' else {0, 255})


def test_the_manifest_tells_how_each_picture_was_made(natural, made) -> None:
    rows = manifest(made)
    assert [row['kind'] for row in rows] == sorted(kind for kind, count in COUNTS.items() for _ in range(count))
    for row in rows:
        assert (made / 'images' / f'{row["picture"]}.jpg').is_file()
        assert row['host'] in natural
        assert 1 <= int(row['quality']) <= 100
        mask = cv2.imread(str(made / 'masks' / f'{row["picture"]}.png'), cv2.IMREAD_UNCHANGED)
        if row['kind'] == 'pristine':
            assert row['donor'] == row['share'] == row['history'] == ''
        else:
            assert (row['donor'] == row['host']) == (row['kind'] == 'copy-move')
            assert row['history'] in STRENGTHS
            assert float(row['share']) == pytest.approx((mask == 255).mean(), abs=1e-4)
            assert 0.01 < float(row['share']) < 0.5


def test_copy_move_and_pristine_need_one_photograph_only(natural, tmp_path) -> None:
    one = {'chelsea': natural['chelsea']}
    write_forgeries(one, {'copy-move': 1, 'pristine': 1}, tmp_path, size=SIZE)
    assert [row['host'] for row in manifest(tmp_path)] == ['chelsea', 'chelsea']


@pytest.mark.parametrize(
    ('names', 'counts', 'says'),
    (
        (('chelsea', 'coffee'), {'splise': 1}, 'unknown kinds of forgery: splise; there are splice, copy-move, prist'),
        (('chelsea',), {'splice': 1}, 'splicing needs at least two photographs'),
        ((), {'pristine': 1}, 'there is no photograph'),
    ),
)
def test_what_cannot_be_made_is_refused_before_anything_is_written(natural, tmp_path, names, counts, says) -> None:
    with pytest.raises(ValueError, match=says):
        write_forgeries({name: natural[name] for name in names}, counts, tmp_path / 'out', size=SIZE)
    assert not (tmp_path / 'out').exists()


@pytest.mark.skipif(cv2.__version__ != '5.0.0', reason='the hash is of files that OpenCV 5.0.0 wrote')
def test_the_demos_pictures_are_those_that_the_readme_has_figures_of(made) -> None:
    files = contents(made)
    files.pop('synthesis.json')
    found = hashlib.sha256(b''.join(name.encode() + files[name] for name in sorted(files, key=Path)))
    assert found.hexdigest() == '736c398ab6dbb99499e5b253f415fd1b8d3a7735a0d5ad6a8f5c1151fb355f27'


# --- one forgery


def forge(kind: str, natural: dict[str, np.ndarray], rng: np.random.Generator):
    if kind == 'splice':
        return splice(natural['chelsea'], natural['coffee'], SIZE, rng)
    return copy_move(natural['chelsea'], SIZE, rng)


@pytest.mark.parametrize('seed', range(4))
@pytest.mark.parametrize('kind', ('splice', 'copy-move'))
def test_far_from_the_region_every_pixel_is_the_hosts(natural, kind, seed) -> None:
    forgery = forge(kind, natural, np.random.default_rng(seed))
    host = pristine(natural['chelsea'], SIZE, np.random.default_rng(seed)).image
    reach = cv2.dilate(forgery.mask, np.ones((21, 21), np.uint8)) > 0
    assert 0.1 < (~reach).mean() < 1
    np.testing.assert_array_equal(forgery.image[~reach], host[~reach])


@pytest.mark.parametrize('seed', range(4))
@pytest.mark.parametrize('kind', ('splice', 'copy-move'))
def test_inside_the_region_most_pixels_are_not_the_hosts(natural, kind, seed) -> None:
    forgery = forge(kind, natural, np.random.default_rng(seed))
    host = pristine(natural['chelsea'], SIZE, np.random.default_rng(seed)).image
    changed = (forgery.image != host).any(-1)
    assert changed[forgery.mask == 255].mean() > 0.8
    assert 0.01 < (forgery.mask == 255).mean() < 0.5
    assert set(np.unique(forgery.mask)) == {0, 255}


@pytest.mark.parametrize('size', (64, 300, 500))
def test_a_pristine_square_is_of_the_photograph_whatever_its_size(natural, size) -> None:
    found = pristine(natural['chelsea'], size, np.random.default_rng(0))
    assert found.image.shape == (size, size, 3)
    assert found.image.dtype == np.uint8
    assert found.image.flags['C_CONTIGUOUS']
    assert not found.mask.any()
    np.testing.assert_allclose(found.image.mean((0, 1)), natural['chelsea'].mean((0, 1)), atol=40)


@pytest.mark.parametrize('share', (0.05, 0.2, 0.4))
@pytest.mark.parametrize('seed', range(3))
def test_a_region_lies_in_the_picture_and_is_about_as_large_as_asked(share, seed) -> None:
    opacity = irregular_region(200, share, 1.0, np.random.default_rng(seed))
    assert opacity.shape == (200, 200)
    assert 0 <= opacity.min() < 0.01
    assert 0.99 < opacity.max() <= 1 + 1e-5
    assert 0.5 * share < (opacity > 0.5).mean() < 1.2 * share


@pytest.mark.parametrize('kind', sorted(STRENGTHS))
def test_every_history_leaves_a_trace_and_the_picture(natural, kind) -> None:
    lived = live_through(natural['chelsea'], History(kind, STRENGTHS[kind][0]), np.random.default_rng(0))
    assert lived.shape == natural['chelsea'].shape
    assert lived.dtype == np.uint8
    difference = np.abs(lived.astype(int) - natural['chelsea'])
    assert 0.1 < difference.mean() < 20


def test_compression_keeps_the_order_of_the_colours() -> None:
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 200
    np.testing.assert_allclose(compress(red, 90).astype(int), red, atol=4)


def test_an_unknown_history_is_refused(natural) -> None:
    with pytest.raises(ValueError, match="unknown history 'age', there are"):
        live_through(natural['chelsea'], History('age', 1.0), np.random.default_rng(0))


# --- the photographs


@pytest.mark.parametrize('name', PACKAGED)
def test_a_packaged_photograph_is_a_natural_rgb_picture(name) -> None:
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


def test_the_motorcycle_is_the_left_picture_of_its_pair() -> None:
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
        photographs.load_packaged('chelsea')
    assert load_packaged('china').shape == (427, 640, 3)
