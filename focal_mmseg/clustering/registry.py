"""mmseg's registry of clusterers and gates; where mmseg is not installed, as in a deployment, nothing is registered."""

from collections.abc import Callable
from importlib.util import find_spec


class _NoRegistry:
    """Stands for the registry: clusterers are built from their classes."""

    @staticmethod
    def register_module() -> Callable[[type], type]:
        """Give a decorator that leaves a class as it is."""
        return lambda each: each


if find_spec('mmseg'):
    from mmseg.registry import TASK_UTILS
else:
    TASK_UTILS = _NoRegistry

__all__ = ['TASK_UTILS']
