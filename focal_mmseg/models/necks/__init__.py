"""Necks that MMSegmentation does not have."""

from .learned_upsample import LearnedUpsample
from .mix_levels import MixLevels

__all__ = ['LearnedUpsample', 'MixLevels']
