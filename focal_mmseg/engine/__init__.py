"""What FOCAL adds to mmengine's runner."""

from . import guarded_loading
from .bfloat16 import BFloat16OptimWrapper
from .deepspeed import FOCALDeepSpeedStrategy
from .hooks import CheckpointFitHook, ClusteringHook, ResumeHook, StepSeedHook, WholeCheckpointHook

__all__ = [
    'BFloat16OptimWrapper',
    'CheckpointFitHook',
    'ClusteringHook',
    'FOCALDeepSpeedStrategy',
    'ResumeHook',
    'StepSeedHook',
    'WholeCheckpointHook',
    'guarded_loading',
]
