"""Hooks."""

from .checkpoint_fit_hook import CheckpointFitHook
from .clustering_hook import ClusteringHook
from .forged_pixels_hook import ForgedPixelsHook
from .resume_hook import ResumeHook
from .run_check_hook import RunCheckHook
from .sampler_hook import SamplerHook
from .step_seed_hook import StepSeedHook
from .whole_checkpoint_hook import WholeCheckpointHook

__all__ = [
    'CheckpointFitHook',
    'ClusteringHook',
    'ForgedPixelsHook',
    'ResumeHook',
    'RunCheckHook',
    'SamplerHook',
    'StepSeedHook',
    'WholeCheckpointHook',
]
