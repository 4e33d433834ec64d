"""The parts of a FOCAL segmentor that MMSegmentation does not have."""

from .backbones import TIMMFeatures, TIMMViT, TwoStreamBackbone
from .decode_heads import FOCALFusionHead, FOCALHead
from .jpeg_data_preprocessor import JPEGDataPreProcessor
from .losses import (
    CircleLoss,
    DCLLoss,
    InfoNCELoss,
    InfoNCEPlusPlusLoss,
    PristineLoss,
    SoftContrastiveLoss,
    TripletLoss,
)
from .necks import LearnedUpsample, MixLevels
from .segmentors import PCANOI, ExternalMasks, FOCALEncoderDecoder, FOCALFusion, FOCALTTAModel, LyuNOI

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
    'JPEGDataPreProcessor',
    'LearnedUpsample',
    'LyuNOI',
    'MixLevels',
    'PristineLoss',
    'SoftContrastiveLoss',
    'TIMMFeatures',
    'TIMMViT',
    'TripletLoss',
    'TwoStreamBackbone',
]
