"""What FOCAL adds to mmengine's runner."""

from . import guarded_loading
from .bfloat16 import BFloat16OptimWrapper
from .deepspeed import FOCALDeepSpeedStrategy
from .hooks import (
    AtomicCheckpointHook,
    CheckpointFitHook,
    ClusteringHook,
    ExactResumeHook,
    ForgedPixelsHook,
    ProgressHook,
    RunCheckHook,
)
from .runner import FOCALRunner

__all__ = [
    'AtomicCheckpointHook',
    'BFloat16OptimWrapper',
    'CheckpointFitHook',
    'ClusteringHook',
    'ExactResumeHook',
    'FOCALDeepSpeedStrategy',
    'FOCALRunner',
    'ForgedPixelsHook',
    'ProgressHook',
    'RunCheckHook',
    'guarded_loading',
]
