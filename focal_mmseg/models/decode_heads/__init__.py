"""The heads without a classifier."""

from .focal_head import FOCALHead
from .fusion_head import FOCALFusionHead

__all__ = ['FOCALFusionHead', 'FOCALHead']
