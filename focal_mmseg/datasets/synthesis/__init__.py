"""Making forgeries out of photographs."""

from .forge import Forgery, copy_move, pristine, splice
from .making import Sources
from .named_recipes import RECIPES
from .objects import ObjectMasks
from .photographs import PACKAGED, Photographs, load_packaged
from .recipe_files import read_recipe
from .recipes import DemoRecipe, Draw, Recipe
from .write import share_out, synthesize, write_forgeries

__all__ = [
    'PACKAGED',
    'RECIPES',
    'DemoRecipe',
    'Draw',
    'Forgery',
    'ObjectMasks',
    'Photographs',
    'Recipe',
    'Sources',
    'copy_move',
    'load_packaged',
    'pristine',
    'read_recipe',
    'share_out',
    'splice',
    'synthesize',
    'write_forgeries',
]
