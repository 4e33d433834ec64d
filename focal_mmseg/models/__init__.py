"""The parts of a FOCAL segmentor that MMSegmentation does not have."""

from .decode_heads import FOCALHead
from .losses import CircleLoss, DCLLoss, InfoNCELoss, InfoNCEPlusPlusLoss, SoftContrastiveLoss, TripletLoss
from .segmentors import FOCALEncoderDecoder, FOCALTTAModel

__all__ = [
    'CircleLoss',
    'DCLLoss',
    'FOCALEncoderDecoder',
    'FOCALHead',
    'FOCALTTAModel',
    'InfoNCELoss',
    'InfoNCEPlusPlusLoss',
    'SoftContrastiveLoss',
    'TripletLoss',
]
