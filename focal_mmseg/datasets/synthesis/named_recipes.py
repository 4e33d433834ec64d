"""The recipes that have a name."""

from types import MappingProxyType

from .recipes import DemoRecipe, Draw, Recipe

# tampCOCO of CAT-Net, whose lists have a splice for three copy-moves; the pictures of one list of copy-moves were
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
# PSCC-Net's numbers of pictures; a region of its own shape for 40,000 of 116,583 splices.
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
RECIPES = MappingProxyType(dict(demo=DemoRecipe(), psccnet=PSCCNET, tampcoco=TAMPCOCO))
