"""Backbones that neither MMSegmentation nor MMPretrain has."""

from .timm_features import TIMMFeatures
from .timm_vit import TIMMViT
from .two_stream import DCTStream, TwoStreamBackbone

__all__ = ['DCTStream', 'TIMMFeatures', 'TIMMViT', 'TwoStreamBackbone']
