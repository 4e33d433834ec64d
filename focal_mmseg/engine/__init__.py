"""What FOCAL adds to mmengine's runner."""

from . import guarded_loading
from .bfloat16 import BFloat16OptimWrapper
from .deepspeed import FOCALDeepSpeedStrategy
from .hooks import (
    CheckpointFitHook,
    ClusteringHook,
    ForgedPixelsHook,
    ResumeHook,
    RunCheckHook,
    SamplerHook,
    StepSeedHook,
    WholeCheckpointHook,
)

__all__ = [
    'BFloat16OptimWrapper',
    'CheckpointFitHook',
    'ClusteringHook',
    'FOCALDeepSpeedStrategy',
    'ForgedPixelsHook',
    'ResumeHook',
    'RunCheckHook',
    'SamplerHook',
    'StepSeedHook',
    'WholeCheckpointHook',
    'guarded_loading',
]
