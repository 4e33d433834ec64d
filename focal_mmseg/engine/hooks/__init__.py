"""Hooks."""

from .checkpoint_fit_hook import CheckpointFitHook
from .clustering_hook import ClusteringHook
from .step_seed_hook import StepSeedHook

__all__ = ['CheckpointFitHook', 'ClusteringHook', 'StepSeedHook']
