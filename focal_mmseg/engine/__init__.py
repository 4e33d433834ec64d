"""What FOCAL adds to mmengine's runner."""

from .hooks import CheckpointFitHook, ClusteringHook

__all__ = ['CheckpointFitHook', 'ClusteringHook']
