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
RECIPES = MappingProxyType(dict(demo=DemoRecipe(), psccnet=PSCCNET, tampcoco=TAMPCOCO, world=WORLD))
