"""What FOCAL adds to mmengine's runner."""

from .deepspeed import ResumableDeepSpeedStrategy
from .hooks import CheckpointFitHook, ClusteringHook, StepSeedHook

__all__ = ['CheckpointFitHook', 'ClusteringHook', 'ResumableDeepSpeedStrategy', 'StepSeedHook']
