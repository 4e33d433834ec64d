"""What FOCAL adds to mmengine's runner."""

from . import guarded_loading
from .deepspeed import FOCALDeepSpeedStrategy
from .hooks import CheckpointFitHook, ClusteringHook, ResumeHook, StepSeedHook, WholeCheckpointHook

__all__ = [
    'CheckpointFitHook',
    'ClusteringHook',
    'FOCALDeepSpeedStrategy',
    'ResumeHook',
    'StepSeedHook',
    'WholeCheckpointHook',
    'guarded_loading',
]
