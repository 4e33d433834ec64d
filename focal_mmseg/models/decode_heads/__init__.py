"""The heads without a classifier, and those of the networks that FOCAL is compared with."""

from .focal_head import FOCALHead
from .fusion_head import FOCALFusionHead
from .trufor_detector import TruForDetector
from .trufor_head import TruForHead

__all__ = ['FOCALFusionHead', 'FOCALHead', 'TruForDetector', 'TruForHead']
