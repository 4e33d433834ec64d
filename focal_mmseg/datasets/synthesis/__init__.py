"""Making forgeries out of photographs."""

from .forge import Forgery, forge_scene
from .named_recipes import RECIPES, read_recipe
from .objects import ObjectMasks
from .recipe import KINDS, Draw, Recipe
from .scenes import PACKAGED, Photographs, Sources, load_packaged
from .writer import allocate_kinds, make_image, synthesize

__all__ = [
    'KINDS',
    'PACKAGED',
    'RECIPES',
    'Draw',
    'Forgery',
    'ObjectMasks',
    'Photographs',
    'Recipe',
    'Sources',
    'allocate_kinds',
    'forge_scene',
    'load_packaged',
    'make_image',
    'read_recipe',
    'synthesize',
]
