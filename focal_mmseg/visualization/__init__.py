"""Results as pictures."""

from .drawings import overlay
from .grid import write_grid

__all__ = ['overlay', 'write_grid']
