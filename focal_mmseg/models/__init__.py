"""The parts of a FOCAL segmentor that MMSegmentation does not have."""

from .backbones import MVSSBackbone, TIMMViT
from .decode_heads import FOCALFusionHead, FOCALHead, MVSSHead, SCSEUNetHead, SobelEdgeHead
from .losses import (
    CircleLoss,
    DCLLoss,
    ForgedImageLoss,
    ForgeryDiceLoss,
    InfoNCELoss,
    InfoNCEPlusPlusLoss,
    SoftContrastiveLoss,
    TripletLoss,
)
from .necks import LearnedUpsample
from .osn_noise import OSNNoise
from .segmentors import (
    PCANOI,
    EdgeEncoderDecoder,
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
    'EdgeEncoderDecoder',
    'ExternalMasks',
    'FOCALEncoderDecoder',
    'FOCALFusion',
    'FOCALFusionHead',
    'FOCALHead',
    'FOCALTTAModel',
    'ForgedImageLoss',
    'ForgeryDiceLoss',
    'InfoNCELoss',
    'InfoNCEPlusPlusLoss',
    'LearnedUpsample',
    'LyuNOI',
    'MVSSBackbone',
    'MVSSHead',
    'NativeSizeEncoderDecoder',
    'NativeSizePreProcessor',
    'OSNNoise',
    'SCSEUNetHead',
    'SobelEdgeHead',
    'SoftContrastiveLoss',
    'TIMMViT',
    'TiledEncoderDecoder',
    'TripletLoss',
]
