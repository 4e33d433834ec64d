"""Recipes: their files, and what is refused in them."""

import json
from pathlib import Path

import pytest

from focal_mmseg.datasets.synthesis import RECIPES, Draw, Recipe, allocate_kinds, read_recipe

FIELDS = (
    'size',
    'kinds',
    'target_scale',
    'source_scale',
    'interpolation',
    'target_processing',
    'contours',
    'followed',
    'contour',
    'share',
    'log_share',
    'softness',
    'rotation',
    'scale',
    'luminance',
    'contrast',
    'colour',
    'processing',
    'steps',
    'poisson',
    'inpainting',
    'inpaint_radius',
    'filled_pixels',
    'dilation',
    'source_quality',
    'target_quality',
    'target_aligned',
    'final_quality',
    'named_tables',
    'subsampling',
    'aligned',
    'over_border',
)


def written(folder: Path, text: str) -> Path:
    path = folder / 'mine.yaml'
    path.write_text(text)
    return path


def test_a_file_changes_what_it_says_of_its_base(tmp_path: Path) -> None:
    text = (
        'base: tampcoco\nsize: 256\nrotation: {probability: 0.5, range: [-10, 10]}\nscale: never\nshare: [0.1, 0.2]\n'
    )
    found = read_recipe(written(tmp_path, text))
    base = RECIPES['tampcoco']
    assert (found.name, found.size, found.kinds, found.final_quality) == ('mine', 256, base.kinds, base.final_quality)
    assert (found.rotation, found.share) == (Draw(0.5, -10, 10), Draw(1.0, 0.1, 0.2))
    assert found.scale.probability == 0


def test_tampcoco_has_the_ranges_of_cat_nets_lists() -> None:
    recipe = RECIPES['tampcoco']
    assert (recipe.rotation, recipe.scale) == (Draw(0.3, -45, 45), Draw(0.3, 0.75, 1.25))
    assert recipe.final_quality == Draw(1.0, 60, 100)
    assert recipe.poisson == recipe.softness.probability == 0


@pytest.mark.parametrize(
    ('text', 'says'),
    [
        ('rotatoin: [1, 2]', 'unknown key rotatoin; there are base, size'),
        ('base: demi', "base must be one of demo, psccnet, tampcoco, world, got 'demi'"),
        ('rotation: [20, 10]', 'rotation.range must go from the lower to the higher, got 20, 10'),
        ('rotation: [0, 200]', 'rotation.range must be a number in -180.0..180.0, got 200'),
        ('rotation: 3', r'rotation must be \[low, high\]'),
        ('rotation: {probability: 2, range: [0, 1]}', 'rotation.probability must be a number in 0..1, got 2'),
        ('rotation: {chance: 1, range: [0, 1]}', r'rotation must be \[low, high\]'),
        ('rotation: [a, b]', "rotation.range must be a number in -180.0..180.0, got 'a'"),
        ('share: never', 'share.probability must be a number in 1..1'),
        ('share: [0.1, 0.2, 0.3]', 'share.range must be two numbers'),
        ('final_quality: [0, 50]', 'final_quality.range must be a number in 1..100, got 0'),
        ('size: 16', 'size must be a whole number of at least 32, got 16'),
        ('size: big', "size must be a whole number of at least 32, got 'big'"),
        ('kinds: {splise: 1}', 'kinds: unknown splise; there are splice'),
        ('kinds: {splice: 0}', 'kinds: the shares must add up to more than 0'),
        ('kinds: {splice: -1}', 'kinds.splice must be a number of at least 0, got -1'),
        ('kinds: splice', 'kinds must be shares by name'),
        ('contour: round', "contour must be one of star, bezier, got 'round'"),
        ('steps: {blur: [0, 1]}', 'steps.blur must be a number in 0.3..10.0, got 0'),
        ('steps: {age: [0, 1]}', 'steps: unknown age'),
        ('steps: {blur: 1}', 'steps.blur must be two numbers'),
        ('interpolation: {nearest: 1}', 'interpolation: unknown nearest; there are area'),
        ('log_share: 1', 'log_share must be true or false, got 1'),
        ('followed: 2', 'followed must be a number in 0..1, got 2'),
        ('target_aligned: -1', 'target_aligned must be a number in 0..1, got -1'),
        ('named_tables: all', "named_tables must be a number in 0..1, got 'all'"),
        ('target_processing: [0, 1]', 'target_processing must be a number in 0..1'),
        ('source_scale: [0.05, 1]', 'source_scale.range must be a number in 0.1..1.0, got 0.05'),
        ('aligned: yes', 'aligned must be a number in 0..1, got True'),
        ('filled_pixels: 3', 'filled_pixels must be a whole number of at least 100, got 3'),
        ('- 1', 'must be keys with values'),
        ('', 'must be keys with values'),
        ('a: [', 'is no YAML'),
    ],
)
def test_what_no_recipe_has_is_refused_with_file_and_key(tmp_path: Path, text: str, says: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ValueError, match=says) as error:
        read_recipe(path)
    assert str(path) in str(error.value)


def test_names_and_files_that_are_not_there() -> None:
    with pytest.raises(ValueError, match="no recipe 'tampcico': there are demo, psccnet, tampcoco, world, and YAML"):
        read_recipe('tampcico')
    with pytest.raises(FileNotFoundError, match='nowhere'):
        read_recipe('nowhere.yaml')


@pytest.mark.parametrize('recipe', [Recipe(), *RECIPES.values()])
def test_every_value_can_be_written(recipe: Recipe) -> None:
    values = json.loads(json.dumps(recipe.asdict()))
    assert values['kinds'] == dict(recipe.kinds)


def test_the_docs_have_every_key(root: Path) -> None:
    text = (root / 'docs' / 'guide' / 'synthesis.md').read_text()
    assert {*Recipe().asdict()} - {'name'} == {*FIELDS}
    assert not [key for key in FIELDS if f'`{key}`' not in text]


def test_numbers_are_shared_out_and_never_fall() -> None:
    shares = {'splice': 0.4, 'copy-move': 0.4, 'pristine': 0.2, 'local': 0}
    before = allocate_kinds(0, shares)
    for num in range(1, 200):
        counts = allocate_kinds(num, shares)
        assert sum(counts.values()) == num
        assert all(counts[kind] >= before[kind] for kind in counts)
        assert all(abs(counts[kind] - shares[kind] * num) < 1 for kind in counts)
        before = counts
    assert allocate_kinds(120, shares) == {'splice': 48, 'copy-move': 48, 'pristine': 24}
