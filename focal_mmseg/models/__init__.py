"""The parts of a FOCAL segmentor that MMSegmentation does not have."""

from .backbones import MVSSBackbone, TIMMFeatures, TIMMViT, TwoStreamBackbone
from .decode_heads import FOCALFusionHead, FOCALHead, MVSSHead, SCSEUNetHead, SobelEdgeHead
from .jpeg_data_preprocessor import JPEGDataPreProcessor
from .losses import (
    CircleLoss,
    DCLLoss,
    ForgedImageLoss,
    ForgeryDiceLoss,
    InfoNCELoss,
    InfoNCEPlusPlusLoss,
    PristineLoss,
    SoftContrastiveLoss,
    TripletLoss,
)
from .necks import LearnedUpsample, MixLevels
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
    'JPEGDataPreProcessor',
    'LearnedUpsample',
    'LyuNOI',
    'MVSSBackbone',
    'MVSSHead',
    'MixLevels',
    'NativeSizeEncoderDecoder',
    'NativeSizePreProcessor',
    'OSNNoise',
    'PristineLoss',
    'SCSEUNetHead',
    'SobelEdgeHead',
    'SoftContrastiveLoss',
    'TIMMFeatures',
    'TIMMViT',
    'TiledEncoderDecoder',
    'TripletLoss',
    'TwoStreamBackbone',
]
