"""Recipes by name, and from YAML files."""

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from ..validators import require_choice, require_pair
from .recipe import LIMITS, NEVER, Draw, Recipe

# Of `make demo`: forgeries whose traces a small network can learn in minutes. Parts reach over the border, so that a
# mask in the middle of the image explains none of them.
DEMO = Recipe(
    name='demo',
    size=192,
    kinds={'splice': 0.4, 'copy-move': 0.4, 'pristine': 0.2},
    target_scale=Draw(1.0, 0.6, 1.0),
    share=Draw(1.0, 0.06, 0.25),
    softness=Draw(1.0, 0.5, 1.5),
    rotation=Draw(1.0, -30, 30),
    scale=Draw(1.0, 0.8, 1.25),
    over_border=1.0,
    processing=1.0,
    steps=dict(blur=(0.8, 1.8), jpeg=(30, 70), noise=(5.0, 14.0)),
    final_quality=Draw(1.0, 85, 98),
)

# tampCOCO of CAT-Net, whose lists have a splice for three copy-moves; the images of one list of copy-moves were
# compressed before, on the same grid. Its own ranges are the angle, the scale and the last quality.
TAMPCOCO = Recipe(
    name='tampcoco',
    size=None,
    kinds={'splice': 0.25, 'copy-move': 0.75},
    share=Draw(1.0, 0.005, 0.5),
    rotation=Draw(0.3, -45, 45),
    scale=Draw(0.3, 0.75, 1.25),
    target_quality=Draw(1 / 3, 60, 100),
    final_quality=Draw(1.0, 60, 100),
)
# PSCC-Net's numbers of images; a region of its own shape for 40,000 of 116,583 splices.
PSCCNET = Recipe(
    name='psccnet',
    size=256,
    kinds={'splice': 0.309, 'copy-move': 0.266, 'removal': 0.208, 'pristine': 0.217},
    contours=0.343,
    contour='bezier',
    share=Draw(1.0, 0.01, 0.5),
    rotation=Draw(0.5, -45, 45),
    scale=Draw(0.5, 0.5, 1.5),
    dilation=Draw(1.0, 4, 4),
    final_quality=Draw(1.0, 75, 100),
)
# Forgeries as they are met in the world: photographs at many scales, hosts and donors with a history of their own,
# regions that do and do not follow edges of the scene, a last JPEG on most. The network that ships was trained on it.
WORLD = Recipe(
    name='world',
    size=256,
    kinds={'splice': 0.42, 'copy-move': 0.36, 'removal': 0.06, 'local': 0.06, 'pristine': 0.1},
    target_scale=Draw(0.85, 0.25, 1.0),
    source_scale=Draw(0.9, 0.25, 1.0),
    interpolation={'area': 0.4, 'linear': 0.2, 'cubic': 0.25, 'lanczos': 0.15},
    target_processing=0.25,
    followed=0.6,
    share=Draw(1.0, 0.01, 0.4),
    log_share=True,
    softness=Draw(0.5, 0.4, 1.5),
    rotation=Draw(0.2, -45, 45),
    scale=Draw(0.4, 0.5, 1.7),
    luminance=Draw(0.15, -20, 20),
    contrast=Draw(0.1, 0.8, 1.25),
    colour=Draw(0.1, 0.9, 1.1),
    processing=0.25,
    steps=dict(blur=(0.4, 1.4), jpeg=(50, 95), median=(3, 3), noise=(1.0, 6.0), sharpen=(0.3, 1.5)),
    poisson=0.03,
    source_quality=Draw(0.75, 50, 98),
    target_quality=Draw(0.85, 50, 98),
    target_aligned=0.75,
    final_quality=Draw(0.85, 60, 100),
    named_tables=0.3,
    subsampling={'4:2:0': 0.5, '4:4:4': 0.4, '4:2:2': 0.1},
    aligned=0.05,
)
RECIPES = MappingProxyType(dict(demo=DEMO, psccnet=PSCCNET, tampcoco=TAMPCOCO, world=WORLD))


def read_recipe(recipe: str | Path) -> Recipe:
    """A recipe by its name, or from a YAML file of the keys of :class:`Recipe`.

    The file's key ``base`` names the recipe whose values hold where the file has none. A range is two numbers, with a
    probability as ``{probability: 0.3, range: [-45, 45]}``, or ``never``.

    Args:
        recipe (str | Path): ``demo``, ``psccnet``, ``tampcoco``, ``world``, or the path of a YAML file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the name is unknown, or the file no recipe; names file and key.
    """
    if str(recipe) in RECIPES:
        return RECIPES[str(recipe)]
    path = Path(recipe)
    if path.suffix not in ('.yaml', '.yml'):
        raise ValueError(f'no recipe {str(recipe)!r}: there are {", ".join(RECIPES)}, and YAML files')
    try:
        values = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f'the recipe {path} is no YAML: {error}') from error
    try:
        return _parse_recipe(values, path.stem)
    except ValueError as error:
        raise ValueError(f'the recipe {path}: {error}') from error


def _parse_recipe(values: object, name: str) -> Recipe:
    """Check the keys and read the ranges.

    Raises:
        ValueError: Begins with the key.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f'must be keys with values, got {values!r}')
    values = dict(values)
    base = values.pop('base', None)
    if base is not None:
        require_choice('base', base, RECIPES)
    known = [each.name for each in fields(Recipe) if each.name != 'name']
    unknown = [str(key) for key in values if key not in known]
    if unknown:
        raise ValueError(f'unknown key {", ".join(unknown)}; there are base, {", ".join(known)}')
    changes: dict[str, Any] = {key: _draw(key, value) if key in LIMITS else value for key, value in values.items()}
    return replace(RECIPES[base] if base else Recipe(), name=name, **changes)


def _draw(key: str, value: Any) -> Draw:
    """A range out of its forms in YAML."""
    if value == 'never':
        return NEVER
    if isinstance(value, list):
        value = dict(range=value)
    if not isinstance(value, Mapping) or 'range' not in value or set(value) - {'probability', 'range'}:
        raise ValueError(f'{key} must be [low, high], {{probability: p, range: [low, high]}} or never, got {value!r}')
    return Draw(value.get('probability', 1.0), *require_pair(f'{key}.range', value['range'], *LIMITS[key]))
