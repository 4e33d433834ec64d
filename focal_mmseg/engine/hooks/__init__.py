"""Hooks."""

from .checkpoint_fit_hook import CheckpointFitHook
from .clustering_hook import ClusteringHook
from .resume_hook import ResumeHook
from .step_seed_hook import StepSeedHook
from .whole_checkpoint_hook import WholeCheckpointHook

__all__ = ['CheckpointFitHook', 'ClusteringHook', 'ResumeHook', 'StepSeedHook', 'WholeCheckpointHook']
