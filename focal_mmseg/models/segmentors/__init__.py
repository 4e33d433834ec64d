"""Segmentors that FOCAL needs beyond the plain EncoderDecoder."""

from .focal_encoder_decoder import FOCALEncoderDecoder
from .focal_fusion import FOCALFusion
from .focal_tta import FOCALTTAModel

__all__ = ['FOCALEncoderDecoder', 'FOCALFusion', 'FOCALTTAModel']
