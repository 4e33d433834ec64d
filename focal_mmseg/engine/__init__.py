"""What FOCAL adds to mmengine's runner."""

from . import guarded_loading
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
