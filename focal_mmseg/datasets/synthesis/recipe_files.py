"""Recipes by name, or from a YAML file."""

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import yaml

from .named_recipes import RECIPES
from .recipes import LIMITS, DemoRecipe, Draw, Recipe

FIXED = 'demo'


def read_recipe(recipe: str | Path) -> Recipe | DemoRecipe:
    """A recipe by its name, or from a YAML file of the keys of :class:`Recipe`.

    The file's key ``base`` names the recipe whose values hold where the file has none. A range is two numbers, with a
    probability as ``{probability: 0.3, range: [-45, 45]}``, or ``never``.

    Args:
        recipe (str | Path): ``demo``, ``psccnet``, ``tampcoco``, or a path that ends in ``.yaml`` or ``.yml``.

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
        return _from_values(values, path.stem)
    except ValueError as error:
        raise ValueError(f'the recipe {path}: {error}') from error


def _from_values(values: object, name: str) -> Recipe:
    """Check the keys and read the ranges.

    Raises:
        ValueError: Begins with the key.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f'must be keys with values, got {values!r}')
    values = dict(values)
    bases = [each for each in RECIPES if each != FIXED]
    base = values.pop('base', None)
    if base is not None and base not in bases:
        raise ValueError(f'base: must be one of {", ".join(bases)}, got {base!r}')
    known = [each.name for each in fields(Recipe) if each.name != 'name']
    unknown = [str(key) for key in values if key not in known]
    if unknown:
        raise ValueError(f'unknown key {", ".join(unknown)}; there are base, {", ".join(known)}')
    values = {key: _draw(key, value) if key in LIMITS else value for key, value in values.items()}
    return replace(RECIPES[base] if base else Recipe(), name=name, **values)


def _draw(key: str, value: Any) -> Draw:
    """A range out of its forms in YAML."""
    if value == 'never':
        return Draw(0.0, 0.0, 0.0)
    if isinstance(value, list):
        value = dict(range=value)
    if not isinstance(value, Mapping) or 'range' not in value or set(value) - {'probability', 'range'}:
        raise ValueError(f'{key}: must be [low, high], {{probability: p, range: [low, high]}} or never, got {value!r}')
    ends = value['range']
    if not isinstance(ends, list) or len(ends) != 2:
        raise ValueError(f'{key}.range: must be two numbers, got {ends!r}')
    return Draw(value.get('probability', 1.0), *ends)
