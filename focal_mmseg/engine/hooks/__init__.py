"""Hooks."""

from .checkpoint_fit_hook import CheckpointFitHook
from .clustering_hook import ClusteringHook

__all__ = ['CheckpointFitHook', 'ClusteringHook']
