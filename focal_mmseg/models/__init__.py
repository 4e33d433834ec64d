"""The parts of a FOCAL segmentor that MMSegmentation does not have."""

from .backbones import TIMMViT
from .decode_heads import FOCALFusionHead, FOCALHead, SCSEUNetHead
from .losses import CircleLoss, DCLLoss, InfoNCELoss, InfoNCEPlusPlusLoss, SoftContrastiveLoss, TripletLoss
from .necks import LearnedUpsample
from .osn_noise import OSNNoise
from .segmentors import (
    PCANOI,
    ExternalMasks,
    FOCALEncoderDecoder,
    FOCALFusion,
    FOCALTTAModel,
    LyuNOI,
    NativeSizeEncoderDecoder,
    NativeSizePreProcessor,
    TiledEncoderDecoder,
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
    'OSNNoise',
    'SCSEUNetHead',
    'SoftContrastiveLoss',
    'TIMMViT',
    'TiledEncoderDecoder',
    'TripletLoss',
]
