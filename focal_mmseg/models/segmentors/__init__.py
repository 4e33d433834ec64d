"""Segmentors that FOCAL needs beyond the plain EncoderDecoder."""

from .focal_encoder_decoder import FOCALEncoderDecoder
from .focal_tta import FOCALTTAModel

__all__ = ['FOCALEncoderDecoder', 'FOCALTTAModel']
