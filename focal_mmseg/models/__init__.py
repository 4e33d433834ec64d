"""The parts of a FOCAL segmentor that MMSegmentation does not have."""

from .backbones import TIMMViT
from .decode_heads import FOCALFusionHead, FOCALHead
from .losses import CircleLoss, DCLLoss, InfoNCELoss, InfoNCEPlusPlusLoss, SoftContrastiveLoss, TripletLoss
from .necks import LearnedUpsample
from .segmentors import (
    PCANOI,
    ExternalMasks,
    FOCALEncoderDecoder,
    FOCALFusion,
    FOCALTTAModel,
    LyuNOI,
    NativeSizeEncoderDecoder,
    NativeSizePreProcessor,
)

__all__ = [
    'PCANOI',
    'CircleLoss',
    'DCLLoss',
    'ExternalMasks',
    'FOCALEncoderDecoder',
    'FOCALFusion',
    'FOCALFusionHead',
    'FOCALHead',
    'FOCALTTAModel',
    'InfoNCELoss',
    'InfoNCEPlusPlusLoss',
    'LearnedUpsample',
    'LyuNOI',
    'NativeSizeEncoderDecoder',
    'NativeSizePreProcessor',
    'SoftContrastiveLoss',
    'TIMMViT',
    'TripletLoss',
]
