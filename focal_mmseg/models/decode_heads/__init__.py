"""The head without a classifier."""

from .focal_head import FOCALHead

__all__ = ['FOCALHead']
