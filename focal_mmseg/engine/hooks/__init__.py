"""Hooks."""

from .checkpoint_fit_hook import CheckpointFitHook
from .clustering_hook import ClusteringHook
from .random_state_hook import RandomStateHook

__all__ = ['CheckpointFitHook', 'ClusteringHook', 'RandomStateHook']
