"""What FOCAL adds to mmengine's runner."""

from .hooks import CheckpointFitHook, ClusteringHook, RandomStateHook

__all__ = ['CheckpointFitHook', 'ClusteringHook', 'RandomStateHook']
