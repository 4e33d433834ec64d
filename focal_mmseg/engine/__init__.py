"""What FOCAL adds to mmengine's runner."""

from .deepspeed import FOCALDeepSpeedStrategy
from .hooks import CheckpointFitHook, ClusteringHook, StepSeedHook

__all__ = ['CheckpointFitHook', 'ClusteringHook', 'FOCALDeepSpeedStrategy', 'StepSeedHook']
