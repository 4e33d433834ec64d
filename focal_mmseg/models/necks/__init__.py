"""Necks that MMSegmentation does not have."""

from .learned_upsample import LearnedUpsample

__all__ = ['LearnedUpsample']
