"""Forgeries by recipes: what changes and what does not, JPEG histories, and data sets that are taken up again."""

import csv
import pickle
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from focal_mmseg.datasets.synthesis import (
    RECIPES,
    Draw,
    ObjectMasks,
    Photographs,
    Recipe,
    Sources,
    load_packaged,
    scenes,
    synthesize,
)
from focal_mmseg.datasets.synthesis.history import compress
from focal_mmseg.datasets.synthesis.manifest import COLUMNS
from focal_mmseg.datasets.synthesis.parts import BLOCK, LEAST_KEPT, Part, choose_corner, paste_part
from focal_mmseg.datasets.synthesis.recipe import CONTOURS, KINDS, STEPS
from focal_mmseg.datasets.synthesis.regions import contour_mask
from focal_mmseg.datasets.synthesis.writer import make_image
from focal_mmseg.utils import find_images

SIZE = 160
PLAIN = Recipe(size=SIZE, kinds=dict.fromkeys(KINDS, 1), share=Draw(1.0, 0.05, 0.2))
RICH = replace(
    PLAIN,
    target_scale=Draw(0.5, 0.6, 1.0),
    contours=0.5,
    softness=Draw(0.5, 0.5, 2.0),
    rotation=Draw(0.5, -45, 45),
    scale=Draw(0.5, 0.5, 1.5),
    luminance=Draw(0.5, -30, 30),
    contrast=Draw(0.5, 0.8, 1.2),
    colour=Draw(0.5, 0.9, 1.1),
    processing=0.7,
    over_border=0.4,
    poisson=0.3,
    source_quality=Draw(0.5, 40, 90),
    target_quality=Draw(0.5, 40, 90),
    final_quality=Draw(0.8, 60, 100),
    subsampling={'4:2:0': 1, '4:2:2': 1, '4:4:4': 1},
    aligned=0.5,
)
COUNTS = dict.fromkeys(KINDS, 3)
# ITU-T T.81, table K.1, which libjpeg scales by its quality.
LUMINANCE_TABLE = [
    *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29),
    *(51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121),
    *(120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
]


@pytest.fixture(scope='module')
def sources() -> Sources:
    return Sources({name: load_packaged(name) for name in ('chelsea', 'coffee', 'rocket')})


class Counting(dict):
    """Counts how often its names are listed."""

    listed = 0

    def __iter__(self):
        self.listed += 1
        return super().__iter__()


def test_the_names_of_a_large_folder_are_listed_once(sources: Sources) -> None:
    counting = Counting(sources.photographs)
    objects = dict.fromkeys(sources.photographs, ())
    many = Sources(counting, objects)
    first = many.names
    for index in range(5):
        for kind in ('splice', 'copy-move'):
            made = make_image(many, replace(PLAIN, contours=0.5), kind, index, 0)
            again = make_image(Sources(sources.photographs, objects), replace(PLAIN, contours=0.5), kind, index, 0)
            assert made.row == again.row
    assert counting.listed == 1 and many.names is first == sorted(sources.photographs)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob('*') if path.is_file()}


def manifest(folder: Path) -> list[dict[str, str]]:
    with (folder / 'manifest.csv').open(encoding='utf-8', newline='') as file:
        return list(csv.DictReader(file))


# --- data sets


@pytest.fixture(scope='module')
def made(sources: Sources, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp('rich')
    synthesize(sources, RICH, COUNTS, out, 5)
    return out


def test_two_workers_write_the_same_bytes_as_one(sources: Sources, made: Path, tmp_path: Path) -> None:
    synthesize(sources, RICH, COUNTS, tmp_path, 5, workers=2)
    assert contents(tmp_path) == contents(made)


def test_an_interrupted_run_is_taken_up_again(sources: Sources, made: Path, tmp_path: Path) -> None:
    synthesize(sources, RICH, {'splice': 2, 'local': 1}, tmp_path, 5)
    lines = (tmp_path / 'manifest.csv').read_text().splitlines(keepends=True)
    (tmp_path / 'manifest.csv').write_text(''.join([*lines[:-1], lines[-1][:20]]))
    first = tmp_path / 'masks' / 'local' / '00000.png'
    time = first.stat().st_mtime_ns
    assert synthesize(sources, RICH, COUNTS, tmp_path, 5).made == 13
    assert first.stat().st_mtime_ns == time
    assert contents(tmp_path) == contents(made)
    assert synthesize(sources, RICH, COUNTS, tmp_path, 5).made == 0
    (tmp_path / 'masks' / 'splice' / '00001.png').unlink()
    assert synthesize(sources, RICH, COUNTS, tmp_path, 5).made == 1
    assert contents(tmp_path) == contents(made)


def test_an_error_leaves_a_manifest_of_what_was_made(sources: Sources, tmp_path: Path, monkeypatch) -> None:
    from focal_mmseg.datasets.synthesis import writer

    real = writer.make_image
    monkeypatch.setattr(writer, 'make_image', lambda *args: real(*args) if args[3] < 2 else 1 / 0)
    with pytest.raises(ZeroDivisionError):
        synthesize(sources, PLAIN, {'splice': 4}, tmp_path)
    assert [row['image'] for row in manifest(tmp_path)] == ['splice/00000', 'splice/00001']
    monkeypatch.undo()
    assert synthesize(sources, PLAIN, {'splice': 4}, tmp_path).made == 2


@pytest.mark.parametrize(
    ('change', 'says'),
    [
        (dict(seed=1), 'made with another seed'),
        (dict(recipe=replace(PLAIN, aligned=1.0)), 'made with another recipe'),
        (dict(sources=Sources({'chelsea': load_packaged('chelsea')})), 'made with another photographs'),
    ],
)
def test_another_seed_recipe_or_folder_is_refused(sources: Sources, tmp_path: Path, change: dict, says: str) -> None:
    options = dict(sources=sources, recipe=PLAIN, counts={'pristine': 1}, out=tmp_path, seed=0)
    synthesize(**options)
    before = contents(tmp_path)
    with pytest.raises(FileExistsError, match=says):
        synthesize(**(options | change))
    assert contents(tmp_path) == before


def test_images_of_unknown_making_are_refused(sources: Sources, tmp_path: Path) -> None:
    (tmp_path / 'images').mkdir()
    with pytest.raises(FileExistsError, match=r'holds images already, without synthesis\.json'):
        synthesize(sources, PLAIN, {'pristine': 1}, tmp_path)


def test_every_row_is_true(made: Path) -> None:
    rows = manifest(made)
    assert list(rows[0]) == list(COLUMNS)
    assert len(rows) == sum(COUNTS.values())
    for row in rows:
        image = made / 'images' / f'{row["image"]}{".jpg" if row["quality"] else ".png"}'
        mask = cv2.imread(str(made / 'masks' / f'{row["image"]}.png'), cv2.IMREAD_UNCHANGED)
        assert cv2.imread(str(image)).shape == (SIZE, SIZE, 3)
        assert set(np.unique(mask)) == ({0} if row['kind'] == 'pristine' else {0, 255})
        if row['share']:
            assert float(row['share']) == pytest.approx((mask == 255).mean(), abs=1e-4)
        assert (row['grid'] != '') == (row['kind'] in ('splice', 'copy-move'))
        assert (row['inpainting'] != '') == (row['kind'] == 'removal')
        assert (row['donor'] == row['host']) == (row['kind'] == 'copy-move')


def test_broken_and_tiny_photographs_are_left_out(tmp_path: Path) -> None:
    folder = tmp_path / 'in'
    folder.mkdir()
    cv2.imwrite(str(folder / 'good.png'), load_packaged('chelsea')[..., ::-1])
    cv2.imwrite(str(folder / 'tiny.png'), np.zeros((20, 90, 3), np.uint8))
    (folder / 'cut.jpg').write_bytes(b'no image')
    sources = Sources(Photographs(folder, find_images(folder)))
    for workers in (1, 2):
        written = synthesize(sources, PLAIN, {'copy-move': 6}, tmp_path / str(workers), workers=workers)
        assert set(written.left_out) == {'cut.jpg', 'tiny.png'}
        assert {row['host'] for row in manifest(tmp_path / str(workers))} == {'good.png'}
        assert set(synthesize(sources, PLAIN, {'copy-move': 6}, tmp_path / str(workers)).left_out) == {
            'cut.jpg',
            'tiny.png',
        }
    with pytest.raises(ValueError, match='too few photographs can be used'):
        synthesize(sources, PLAIN, {'splice': 1}, tmp_path / 'splice')


def test_photographs_stay_in_memory_up_to_so_many_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in 'abcd':
        cv2.imwrite(str(tmp_path / f'{name}.png'), np.full((40, 50, 3), ord(name), np.uint8))
    size, read = 40 * 50 * 3, []
    real = scenes.read_photograph
    monkeypatch.setattr(scenes, 'read_photograph', lambda path: read.append(path.stem) or real(path))
    photographs = Photographs(tmp_path, find_images(tmp_path), 2 * size)
    for name in 'abacab':
        assert photographs[f'{name}.png'][0, 0, 0] == ord(name)
    # b went for c, the one that was asked for longest ago.
    assert read == ['a', 'b', 'c', 'b']
    nothing = Photographs(tmp_path, find_images(tmp_path), size - 1)
    assert np.array_equal(nothing['a.png'], nothing['a.png']) and read[4:] == ['a', 'a']
    again = pickle.loads(pickle.dumps(photographs))
    assert np.array_equal(again['b.png'], photographs['b.png']) and read[6:] == ['b']


# --- one forgery


@given(seed=st.integers(0, 2**32), part=st.tuples(st.integers(4, 40), st.integers(4, 40)))
def test_a_quarter_of_a_region_at_least_stays_in_the_image(seed: int, part: tuple[int, int]) -> None:
    rng = np.random.default_rng(seed)
    # A corner alone, most of which half a rectangle can miss.
    mask = np.ones(part, np.uint8)
    mask[1:, 1:] = 0
    found = Part(np.zeros((*part, 3), np.uint8), mask, 0, 0, True)
    left, top = choose_corner(found, (48, 56), None, False, True, rng)
    _, truth = paste_part(np.zeros((48, 56, 3), np.uint8), found, (left, top), 0.0, False)
    assert np.count_nonzero(truth) >= LEAST_KEPT * mask.sum()


@pytest.mark.parametrize('kind', ['splice', 'copy-move', 'local', 'removal'])
@pytest.mark.parametrize('poisson', [0.0, 1.0])
def test_a_hard_edged_forgery_changes_its_region_and_nothing_else(sources: Sources, kind: str, poisson: float) -> None:
    recipe = replace(PLAIN, poisson=poisson, steps={'noise': (8, 9)})
    for index in range(6):
        found = make_image(sources, recipe, kind, index, 0)
        row = found.row
        photograph = sources.photographs[row['host']]
        host = photograph[row['cut_y'] :, row['cut_x'] :]
        side = round(SIZE / row['target_scale'])
        assert side == SIZE
        host = host[:SIZE, :SIZE]
        changed = (found.forgery.image != host).any(-1)
        assert not changed[found.forgery.mask == 0].any()
        assert changed[found.forgery.mask == 255].mean() > 0.6
        assert 0.02 < (found.forgery.mask == 255).mean() < 0.45


@pytest.mark.parametrize('seed', range(3))
def test_rich_forgeries_leave_what_is_far_from_the_region(sources: Sources, seed: int) -> None:
    recipe = replace(RICH, target_quality=Draw(0.0, 0, 0), target_scale=Draw(0.0, 0, 0))
    for kind in ('splice', 'copy-move', 'local', 'removal'):
        found = make_image(sources, recipe, kind, 0, seed)
        row = found.row
        host = sources.photographs[row['host']][row['cut_y'] :, row['cut_x'] :][:SIZE, :SIZE]
        far = cv2.dilate(found.forgery.mask, np.ones((25, 25), np.uint8)) == 0
        np.testing.assert_array_equal(found.forgery.image[far], host[far])


def test_a_copy_move_is_what_lies_where_the_manifest_says(sources: Sources) -> None:
    for index in range(8):
        found = make_image(sources, PLAIN, 'copy-move', index, 1)
        row, image = found.row, found.forgery.image
        y, x = np.nonzero(found.forgery.mask)
        host = sources.photographs[row['host']][row['cut_y'] :, row['cut_x'] :]
        shift = row['to_y'] - row['from_y'], row['to_x'] - row['from_x']
        assert max(map(abs, shift)) > 8
        np.testing.assert_array_equal(image[y, x], host[y - shift[0], x - shift[1]])


@pytest.mark.parametrize('size', [None, 96, 600])
def test_sizes(sources: Sources, size: int | None) -> None:
    for kind in KINDS:
        found = make_image(sources, replace(RICH, size=size), kind, 0, 0)
        shape = found.forgery.image.shape[:2]
        assert found.forgery.mask.shape == shape
        whole = sources.photographs[found.row['host']].shape[:2]
        # The manifest's scale has four digits.
        wanted = (size, size) if size else [side * found.row['target_scale'] for side in whole]
        assert shape == pytest.approx(wanted, abs=0 if size else 1)


@pytest.mark.parametrize('contour', CONTOURS)
def test_contours_fit_and_are_about_as_large_as_asked(contour: str) -> None:
    for seed in range(20):
        mask = contour_mask(contour, 3000, (200, 150), np.random.default_rng(seed))
        assert mask.shape[0] <= 200 and mask.shape[1] <= 150
        assert 0.4 * 3000 < mask.sum() < 1.6 * 3000 or max(mask.shape) >= 150
        assert mask[0].any() and mask[-1].any() and mask[:, 0].any() and mask[:, -1].any()


@pytest.mark.parametrize('step', sorted(STEPS))
def test_every_step_leaves_a_trace(sources: Sources, step: str) -> None:
    low = dict(blur=1.0, jpeg=40, median=3, noise=4.0, sharpen=0.5)[step]
    recipe = replace(PLAIN, steps={step: (low, low)})
    found = make_image(sources, recipe, 'local', 0, 0)
    row = found.row
    assert (row['processing'], row['strength']) == (step, low)
    host = sources.photographs[row['host']][row['cut_y'] :, row['cut_x'] :][:SIZE, :SIZE]
    difference = np.abs(found.forgery.image.astype(int) - host)[found.forgery.mask == 255]
    assert 0.2 < difference.mean() < 25


def test_colours_of_the_part_alone_change(sources: Sources) -> None:
    recipe = replace(PLAIN, luminance=Draw(1.0, 30, 30))
    found = make_image(sources, recipe, 'copy-move', 0, 0)
    plain = make_image(sources, replace(PLAIN, luminance=Draw(1.0, 0, 0)), 'copy-move', 0, 0)
    np.testing.assert_array_equal(found.forgery.mask, plain.forgery.mask)
    difference = found.forgery.image.astype(int) - plain.forgery.image
    assert 20 < difference[found.forgery.mask == 255].mean() <= 30
    assert not difference[found.forgery.mask == 0].any()


def test_a_large_removal_filled_coarsely_is_near_the_fine_one(sources: Sources) -> None:
    recipe = replace(PLAIN, share=Draw(1.0, 0.3, 0.3))
    coarse = make_image(sources, replace(recipe, filled_pixels=1000), 'removal', 0, 0)
    fine = make_image(sources, replace(recipe, filled_pixels=None), 'removal', 0, 0)
    np.testing.assert_array_equal(coarse.forgery.mask, fine.forgery.mask)
    inside = coarse.forgery.mask == 255
    difference = np.abs(coarse.forgery.image.astype(int) - fine.forgery.image)[inside].mean()
    row = fine.row
    removed = sources.photographs[row['host']][row['cut_y'] :, row['cut_x'] :][:SIZE, :SIZE]
    assert difference < 0.5 * np.abs(removed.astype(int) - fine.forgery.image)[inside].mean()


# --- JPEG


def near_steps(image: np.ndarray, mask: np.ndarray, quality: int) -> float:
    """The share of the larger DCT coefficients that lie on a compression's steps, in blocks wholly in the mask."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb)[..., 0].astype(np.float32) - 128
    steps = np.array(scaled_table(quality), np.float32).reshape(8, 8)
    found = []
    for y in range(0, image.shape[0] - 7, 8):
        for x in range(0, image.shape[1] - 7, 8):
            if mask[y : y + 8, x : x + 8].all():
                quotient = cv2.dct(grey[y : y + 8, x : x + 8]) / steps
                # Those near zero are near a step in every flat block.
                found += list(np.abs(quotient - np.round(quotient))[np.abs(quotient) > 0.5] < 0.15)
    assert len(found) > 20
    return float(np.mean(found))


def scaled_table(quality: int) -> list[int]:
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return [min(255, max(1, (value * scale + 50) // 100)) for value in LUMINANCE_TABLE]


@pytest.mark.parametrize('aligned', [True, False])
def test_the_pasted_blocks_fall_on_the_images_grid_or_do_not(sources: Sources, aligned: bool) -> None:
    recipe = replace(PLAIN, share=Draw(1.0, 0.15, 0.25), source_quality=Draw(1.0, 40, 40), aligned=float(aligned))
    shares = []
    for index in range(6):
        found = make_image(sources, recipe, 'splice', index, 0)
        row = found.row
        assert row['grid'] == ('aligned' if aligned else 'unaligned')
        assert (row['grid_x'], row['grid_y']) == (row['to_x'] % BLOCK, row['to_y'] % BLOCK)
        assert (row['grid_x'] == row['grid_y'] == 0) == aligned
        shares.append(near_steps(found.forgery.image, found.forgery.mask, 40))
    assert min(shares) > 0.55 if aligned else max(shares) < 0.45


def test_aligned_double_compression_changes_nothing_more_and_unaligned_does(sources: Sources) -> None:
    recipe = replace(PLAIN, target_quality=Draw(1.0, 60, 60), share=Draw(1.0, 0.1, 0.2))
    changes = {}
    for aligned in (0.0, 1.0):
        found = make_image(sources, replace(recipe, aligned=aligned), 'copy-move', 0, 0)
        again = compress(found.forgery.image, 60).astype(int)
        inner = cv2.erode(found.forgery.mask, np.ones((33, 33), np.uint8)) > 0
        assert inner.sum() > 64
        changes[aligned] = np.abs(again - found.forgery.image)[inner].mean()
    assert changes[1.0] < 0.5 * changes[0.0]


def test_a_turned_part_has_no_grid(sources: Sources) -> None:
    recipe = replace(PLAIN, rotation=Draw(1.0, 20, 30), aligned=1.0)
    row = make_image(sources, recipe, 'splice', 0, 0).row
    assert row['grid'] == 'resampled' and 'grid_x' not in row and 20 <= row['rotation'] <= 30


@pytest.mark.parametrize(('subsampling', 'sampling'), [('4:2:0', (2, 2)), ('4:2:2', (2, 1)), ('4:4:4', (1, 1))])
@pytest.mark.parametrize('quality', [30, 75, 98])
def test_the_files_have_libjpegs_tables(
    sources: Sources, tmp_path: Path, quality: int, subsampling: str, sampling: tuple[int, int]
) -> None:
    recipe = replace(PLAIN, final_quality=Draw(1.0, quality, quality), subsampling={subsampling: 1})
    synthesize(sources, recipe, {'pristine': 1}, tmp_path)
    with Image.open(tmp_path / 'images' / 'pristine' / '00000.jpg') as file:
        assert list(file.quantization[0]) == scaled_table(quality)
        assert file.layer[0][1:3] == sampling


# --- real folders


@pytest.mark.parametrize(('folder', 'annotations'), [('bsds500', 'regions'), ('pixabay', '')])
def test_masks_of_real_sets(root: Path, tmp_path: Path, folder: str, annotations: str) -> None:
    data = root.parent / 'shared' / 'data' / 'pristine' / folder
    if not data.is_dir():
        pytest.skip(f'{data} is not there')
    photographs = Photographs(data / 'images', find_images(data / 'images'))
    objects = ObjectMasks(data / annotations, photographs)
    assert len(objects) > 50
    recipe = replace(RECIPES['tampcoco'], share=Draw(1.0, 0.001, 0.6))
    synthesize(Sources(photographs, objects), recipe, {'splice': 5, 'copy-move': 5}, tmp_path)
    regions = [row['region'] for row in manifest(tmp_path)]
    assert regions.count('object') >= 8
