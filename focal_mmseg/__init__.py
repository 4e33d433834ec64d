"""FOCAL, forgery localisation by contrastive learning and clustering, as a plugin for MMSegmentation.

Importing the package registers every part in mmseg's registries; a config does it with
``custom_imports = dict(imports=['focal_mmseg'])``. Where mmseg is not installed, as in a deployment, there are
``focal_mmseg.clustering`` and ``focal_mmseg.deploy`` alone.
"""

from importlib.util import find_spec

from . import clustering
from .version import __version__
from .weights import config_path

if find_spec('mmseg'):
    from . import stack  # noqa: F401, I001
    from . import datasets, engine, evaluation, models

__all__ = ['__version__', 'clustering', 'config_path', 'datasets', 'engine', 'evaluation', 'models']
