"""What FOCAL adds to mmengine's runner."""

from .hooks import CheckpointFitHook

__all__ = ['CheckpointFitHook']
