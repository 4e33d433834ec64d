"""The parts of a FOCAL segmentor that MMSegmentation does not have."""

from .decode_heads import FOCALHead
from .losses import CircleLoss, DCLLoss, InfoNCELoss, InfoNCEPlusPlusLoss, SoftContrastiveLoss, TripletLoss
from .segmentors import FOCALTTAModel

__all__ = [
    'CircleLoss',
    'DCLLoss',
    'FOCALHead',
    'FOCALTTAModel',
    'InfoNCELoss',
    'InfoNCEPlusPlusLoss',
    'SoftContrastiveLoss',
    'TripletLoss',
]
