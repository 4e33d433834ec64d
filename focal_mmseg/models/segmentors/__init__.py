"""Segmentors that FOCAL needs beyond the plain EncoderDecoder."""

from .focal_tta import FOCALTTAModel

__all__ = ['FOCALTTAModel']
