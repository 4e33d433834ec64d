"""The parts of a FOCAL segmentor that MMSegmentation does not have."""

from .backbones import TIMMViT
from .decode_heads import FOCALFusionHead, FOCALHead
from .losses import CircleLoss, DCLLoss, InfoNCELoss, InfoNCEPlusPlusLoss, SoftContrastiveLoss, TripletLoss
from .segmentors import FOCALEncoderDecoder, FOCALFusion, FOCALTTAModel

__all__ = [
    'CircleLoss',
    'DCLLoss',
    'FOCALEncoderDecoder',
    'FOCALFusion',
    'FOCALFusionHead',
    'FOCALHead',
    'FOCALTTAModel',
    'InfoNCELoss',
    'InfoNCEPlusPlusLoss',
    'SoftContrastiveLoss',
    'TIMMViT',
    'TripletLoss',
]
