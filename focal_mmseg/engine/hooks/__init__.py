"""Hooks."""

from .atomic_checkpoint_hook import AtomicCheckpointHook
from .checkpoint_fit_hook import CheckpointFitHook
from .clustering_hook import ClusteringHook
from .exact_resume_hook import ExactResumeHook
from .forged_pixels_hook import ForgedPixelsHook
from .progress_hook import ProgressHook
from .run_check_hook import RunCheckHook

__all__ = [
    'AtomicCheckpointHook',
    'CheckpointFitHook',
    'ClusteringHook',
    'ExactResumeHook',
    'ForgedPixelsHook',
    'ProgressHook',
    'RunCheckHook',
]
