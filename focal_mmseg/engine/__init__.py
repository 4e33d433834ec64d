"""What FOCAL adds to mmengine's runner."""

from . import guarded_loading
from .deepspeed import FOCALDeepSpeedStrategy
from .hooks import CheckpointFitHook, ClusteringHook, StepSeedHook

__all__ = ['CheckpointFitHook', 'ClusteringHook', 'FOCALDeepSpeedStrategy', 'StepSeedHook', 'guarded_loading']
