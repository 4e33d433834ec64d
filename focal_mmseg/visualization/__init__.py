"""Results as images."""

from .curves import plot_curves, plot_operating_curves, running_median, spikiness
from .figures import new_figure
from .grid import plot_grid
from .overlays import overlay_mask
from .panels import plot_panels

__all__ = [
    'new_figure',
    'overlay_mask',
    'plot_curves',
    'plot_grid',
    'plot_operating_curves',
    'plot_panels',
    'running_median',
    'spikiness',
]
