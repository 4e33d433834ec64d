"""Segmentors that FOCAL needs beyond the plain EncoderDecoder, and those that it is compared with."""

from .edge_encoder_decoder import EdgeEncoderDecoder
from .external_masks import ExternalMasks
from .focal_encoder_decoder import FOCALEncoderDecoder
from .focal_fusion import FOCALFusion
from .focal_tta import FOCALTTAModel
from .native_size import NativeSizeEncoderDecoder, NativeSizeJPEGPreProcessor, NativeSizePreProcessor
from .noise_levels import PCANOI, LyuNOI
from .tiled_encoder_decoder import TiledEncoderDecoder
from .trufor import TruFor

__all__ = [
    'PCANOI',
    'EdgeEncoderDecoder',
    'ExternalMasks',
    'FOCALEncoderDecoder',
    'FOCALFusion',
    'FOCALTTAModel',
    'LyuNOI',
    'NativeSizeEncoderDecoder',
    'NativeSizeJPEGPreProcessor',
    'NativeSizePreProcessor',
    'TiledEncoderDecoder',
    'TruFor',
]
