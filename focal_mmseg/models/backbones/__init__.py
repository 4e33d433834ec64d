"""Backbones that neither MMSegmentation nor MMPretrain has."""

from .catnet_backbone import CATNetBackbone
from .exact_size_hrnet import ExactSizeHRNet
from .mvss_backbone import MVSSBackbone
from .timm_features import TIMMFeatures
from .timm_vit import TIMMViT
from .two_stream import DCTStream, TwoStreamBackbone

__all__ = [
    'CATNetBackbone',
    'DCTStream',
    'ExactSizeHRNet',
    'MVSSBackbone',
    'TIMMFeatures',
    'TIMMViT',
    'TwoStreamBackbone',
]
