"""The parts of a FOCAL segmentor that MMSegmentation does not have."""

from .backbones import CMXTransformer, NoiseprintPlusPlus, TIMMViT, TruForBackbone
from .decode_heads import FOCALFusionHead, FOCALHead, TruForDetector, TruForHead
from .losses import (
    CircleLoss,
    DCLLoss,
    ForgedImageLoss,
    ForgeryDiceLoss,
    InfoNCELoss,
    InfoNCEPlusPlusLoss,
    SoftContrastiveLoss,
    TripletLoss,
    TrueClassProbabilityLoss,
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
    TruFor,
)

__all__ = [
    'PCANOI',
    'CMXTransformer',
    'CircleLoss',
    'DCLLoss',
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
    'NativeSizeEncoderDecoder',
    'NativeSizePreProcessor',
    'NoiseprintPlusPlus',
    'SoftContrastiveLoss',
    'TIMMViT',
    'TripletLoss',
    'TruFor',
    'TruForBackbone',
    'TruForDetector',
    'TruForHead',
    'TrueClassProbabilityLoss',
]
