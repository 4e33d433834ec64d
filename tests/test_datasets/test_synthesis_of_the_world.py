"""The recipe `world` and the keys that came with it; recipes that were there before draw what they drew."""

import hashlib
import json
from dataclasses import replace
from io import BytesIO

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from PIL import Image
from PIL.JpegPresets import presets
from scipy.ndimage import label

from focal_mmseg.datasets.synthesis import RECIPES, Draw, load_packaged
from focal_mmseg.datasets.synthesis.forge import forge_scene
from focal_mmseg.datasets.synthesis.history import CAMERA_TABLES, decode, encode, named_tables
from focal_mmseg.datasets.synthesis.recipe import KINDS
from focal_mmseg.datasets.synthesis.regions import followed_mask
from focal_mmseg.datasets.synthesis.scenes import Scene
from focal_mmseg.utils.jpeg import read_luma

WORLD = RECIPES['world']
CAMERAS = json.loads(CAMERA_TABLES.read_text())
HOST, DONOR = load_packaged('chelsea'), load_packaged('coffee')
# Of all that was drawn for 30 forgeries of the packaged photographs, before there was the recipe `world`.
DRAWN = {
    'psccnet': '165e261bb08d8cc131df8a291f4f98251b81829e361fa6960a9f291a71931ef0',
    'tampcoco': '0a5c7bf021ed329e26e4e8a5cce3edea223c86d7cdab3696839acdd4273e0906',
}


def forge(recipe, kind: str, seed: int):
    donor = Scene(DONOR) if kind == 'splice' else None
    return forge_scene(recipe, kind, Scene(HOST), donor, np.random.default_rng(seed))


@pytest.mark.parametrize('name', DRAWN)
def test_older_recipes_draw_what_they_drew(name: str) -> None:
    drawn = [forge(RECIPES[name], kind, seed).parameters for kind in sorted(KINDS) for seed in range(6)]
    text = json.dumps(drawn, sort_keys=True, default=float)
    assert hashlib.sha256(text.encode()).hexdigest() == DRAWN[name]


@given_settings(max_examples=40)
@given(kind=st.sampled_from(KINDS), seed=st.integers(0, 2**32))
def test_forgeries_of_the_world_keep_to_its_ranges_and_to_their_seed(kind: str, seed: int) -> None:
    made, again = forge(WORLD, kind, seed), forge(WORLD, kind, seed)
    assert np.array_equal(made.image, again.image) and np.array_equal(made.mask, again.mask)
    assert made.parameters == again.parameters
    assert made.image.shape == (256, 256, 3) and made.mask.shape == (256, 256)
    assert set(np.unique(made.mask)) <= {0, 255}
    share = float((made.mask > 0).mean())
    if kind == 'pristine':
        assert share == 0
    else:
        # A removal is wider than its region; a turned, scaled or cut part has another area than was drawn.
        assert 0 < share < 0.8
    for key in ('target_quality', 'source_quality', 'quality'):
        found = made.parameters.get(key, '')
        limits = WORLD.final_quality if key == 'quality' else WORLD.target_quality
        assert found == '' or found in named_tables() or limits.low <= found <= limits.high


@given_settings(max_examples=50)
@given(low=st.floats(0.001, 0.3), factor=st.floats(1, 2), seed=st.integers(0, 2**32))
def test_the_share_lies_in_its_range(low: float, factor: float, seed: int) -> None:
    share = Draw(1.0, low, low * factor)
    for log_share in (False, True):
        drawn = replace(WORLD, share=share, log_share=log_share).draw_share(np.random.default_rng(seed))
        assert low * (1 - 1e-9) <= drawn <= low * factor * (1 + 1e-9)


def test_small_regions_come_more_often_where_the_logarithm_is_drawn() -> None:
    rng = np.random.default_rng(0)
    drawn = [replace(WORLD, share=Draw(1.0, 0.01, 0.36)).draw_share(rng) for _ in range(2000)]
    # The middle of the logarithms is the geometric mean.
    assert np.median(drawn) == pytest.approx(0.06, rel=0.15)


def test_the_world_draws_all_that_it_names() -> None:
    made = [forge(WORLD, kind, seed).parameters for kind in ('splice', 'copy-move') for seed in range(60)]
    assert {each['region'] for each in made} == {'followed', 'contour'}
    qualities = [each['quality'] for each in made]
    assert any(each in named_tables() for each in qualities)
    assert any(isinstance(each, int) for each in qualities)
    assert 0.05 < qualities.count('') / len(qualities) < 0.3
    assert {each['subsampling'] for each in made} == {'', '4:2:0', '4:2:2', '4:4:4'}
    assert any('target_processing' in each for each in made) and not all('target_processing' in each for each in made)


@pytest.mark.parametrize('name', named_tables())
@pytest.mark.parametrize('subsampling', ['4:2:0', '4:4:4'])
def test_named_tables_are_in_the_file_as_they_are(name: str, subsampling: str) -> None:
    image = HOST[:64, :96]
    content = encode(image, name, subsampling)
    with Image.open(BytesIO(content)) as file:
        tables, factors = file.quantization, [layer[1:3] for layer in file.layer]
    assert factors[0] == ((2, 2) if subsampling == '4:2:0' else (1, 1)) and factors[1:] == [(1, 1)] * 2
    assert np.array_equal(read_luma(content).table.ravel(), tables[0])
    again = encode(image, name, subsampling)
    assert again == content and decode(content).shape == image.shape
    expected = presets[name]['quantization'] if name in presets else CAMERAS[int(name.removeprefix('camera-'))]
    assert [tables[0], tables[1]] == [list(each) for each in expected]


def test_there_are_tables_of_an_editor_and_of_cameras() -> None:
    names = named_tables()
    assert len(names) == len(set(names))
    assert any(name.startswith('camera-') for name in names) and any(name.startswith('web_') for name in names)
    tables = {encode(HOST[:16, :16], name)[:600] for name in names}
    assert len(tables) > 20


@pytest.mark.parametrize('aligned', [0.0, 1.0])
def test_the_grid_of_the_target_is_the_files_or_not(aligned: float) -> None:
    recipe = replace(
        WORLD, target_quality=Draw(1.0, 50, 50), target_aligned=aligned, named_tables=0, target_processing=0
    )
    is_on_grid = 0
    for seed in range(16):
        image = cv2.cvtColor(forge(recipe, 'pristine', seed).image, cv2.COLOR_RGB2YCrCb)[..., 0]
        blocks = image.astype(float).reshape(32, 8, 32, 8).transpose(0, 2, 1, 3)
        # A block that was quantised with these steps is near whole multiples of them: the first coefficient alone.
        levels = (blocks.mean((2, 3)) - 128) * 8 / 16
        is_on_grid += np.abs(levels - np.rint(levels)).mean() < 0.12
    assert is_on_grid == 16 if aligned else is_on_grid <= 3


def test_a_region_that_follows_the_image_is_one_piece_within_its_areas() -> None:
    found = 0
    for seed in range(40):
        result = followed_mask(HOST, (1000, 20000), np.random.default_rng(seed))
        if result is None:
            continue
        found += 1
        mask, left, top = result
        assert mask.dtype == np.uint8 and set(np.unique(mask)) == {0, 1}
        assert left + mask.shape[1] <= HOST.shape[1] and top + mask.shape[0] <= HOST.shape[0]
        assert label(mask)[1] == 1
        # Smoothing at the image's size moves the border a little.
        assert 800 <= mask.sum() <= 22000
        assert mask.any(0).all() or mask.any(1).all()
    # Fur and plain ground: most floods are too small or too large.
    assert found > 8


def test_a_blank_image_has_nothing_to_follow() -> None:
    blank = np.full((90, 120, 3), 128, np.uint8)
    assert followed_mask(blank, (100, 2000), np.random.default_rng(0)) is None
