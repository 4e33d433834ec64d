"""Results as pictures."""

from .drawings import heat_map, overlay
from .grid import write_grid

__all__ = ['heat_map', 'overlay', 'write_grid']
