"""The parts of a FOCAL segmentor that MMSegmentation does not have."""

from .backbones import CATNetBackbone, ExactSizeHRNet, TIMMFeatures, TIMMViT, TwoStreamBackbone
from .decode_heads import CATNetHead, FOCALFusionHead, FOCALHead, PSCCHead, PSCCImageHead
from .jpeg_data_preprocessor import JPEGDataPreProcessor
from .losses import (
    BalancedBCELoss,
    CircleLoss,
    DCLLoss,
    InfoNCELoss,
    InfoNCEPlusPlusLoss,
    PristineLoss,
    SoftContrastiveLoss,
    TripletLoss,
)
from .necks import LearnedUpsample, MixLevels
from .segmentors import (
    PCANOI,
    ExternalMasks,
    FOCALEncoderDecoder,
    FOCALFusion,
    FOCALTTAModel,
    LyuNOI,
    NativeSizeEncoderDecoder,
    NativeSizeJPEGPreProcessor,
    NativeSizePreProcessor,
)

__all__ = [
    'PCANOI',
    'BalancedBCELoss',
    'CATNetBackbone',
    'CATNetHead',
    'CircleLoss',
    'DCLLoss',
    'ExactSizeHRNet',
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
    'NativeSizeEncoderDecoder',
    'NativeSizeJPEGPreProcessor',
    'NativeSizePreProcessor',
    'PSCCHead',
    'PSCCImageHead',
    'PristineLoss',
    'SoftContrastiveLoss',
    'TIMMFeatures',
    'TIMMViT',
    'TripletLoss',
    'TwoStreamBackbone',
]
