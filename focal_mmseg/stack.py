"""Imports MMSegmentation without the lines that it prints of parts that nobody here uses.

"Could not import OneDL" is of a service of the distribution's makers, the warning of an operator of mmcv that no model
here has. Errors are raised as ever.
"""

import io
import warnings
from contextlib import redirect_stdout, suppress

with redirect_stdout(io.StringIO()), warnings.catch_warnings():
    warnings.filterwarnings('ignore', 'Fail to import ``MultiScaleDeformableAttention``')
    import mmseg.datasets
    import mmseg.models  # noqa: F401

    # Backbones of the configs that name it are there; the rest goes without.
    with suppress(ImportError):
        import mmpretrain.datasets  # noqa: F401
