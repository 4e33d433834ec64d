"""Segmentors that FOCAL needs beyond the plain EncoderDecoder, and those that it is compared with."""

from .external_masks import ExternalMasks
from .focal_encoder_decoder import FOCALEncoderDecoder
from .focal_fusion import FOCALFusion
from .focal_tta import FOCALTTAModel
from .native_size import NativeSizeEncoderDecoder, NativeSizePreProcessor
from .noise_levels import PCANOI, LyuNOI
from .trufor import TruFor

__all__ = [
    'PCANOI',
    'ExternalMasks',
    'FOCALEncoderDecoder',
    'FOCALFusion',
    'FOCALTTAModel',
    'LyuNOI',
    'NativeSizeEncoderDecoder',
    'NativeSizePreProcessor',
    'TruFor',
]
