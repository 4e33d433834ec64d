"""Results as pictures."""

from .curves import running_median, spikiness, write_curves, write_operating_curves
from .drawings import overlay
from .figures import new_figure
from .grid import write_grid
from .panels import write_panels

__all__ = [
    'new_figure',
    'overlay',
    'running_median',
    'spikiness',
    'write_curves',
    'write_grid',
    'write_operating_curves',
    'write_panels',
]
