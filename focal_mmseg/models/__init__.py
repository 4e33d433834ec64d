"""The parts of a FOCAL segmentor that MMSegmentation does not have."""

from .backbones import CATNetBackbone, ExactSizeHRNet, TIMMViT
from .decode_heads import CATNetHead, FOCALFusionHead, FOCALHead, PSCCHead, PSCCImageHead
from .losses import (
    BalancedBCELoss,
    CircleLoss,
    DCLLoss,
    InfoNCELoss,
    InfoNCEPlusPlusLoss,
    SoftContrastiveLoss,
    TripletLoss,
)
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
    'LearnedUpsample',
    'LyuNOI',
    'NativeSizeEncoderDecoder',
    'NativeSizePreProcessor',
    'PSCCHead',
    'PSCCImageHead',
    'SoftContrastiveLoss',
    'TIMMViT',
    'TripletLoss',
]
