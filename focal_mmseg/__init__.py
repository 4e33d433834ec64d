"""FOCAL, forgery localisation by contrastive learning and clustering, as a plugin for MMSegmentation.

Importing the package registers every part in mmseg's registries; a config does it with
``custom_imports = dict(imports=['focal_mmseg'])``.
"""

from . import stack  # noqa: F401, I001
from . import clustering, datasets, engine, evaluation, models
from .version import __version__

__all__ = ['__version__', 'clustering', 'datasets', 'engine', 'evaluation', 'models']
