"""Making forgeries out of photographs."""

from .forge import Forgery, copy_move, pristine, splice
from .photographs import PACKAGED, load_packaged
from .write import write_forgeries

__all__ = ['PACKAGED', 'Forgery', 'copy_move', 'load_packaged', 'pristine', 'splice', 'write_forgeries']
