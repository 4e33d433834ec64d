"""Backbones that neither MMSegmentation nor MMPretrain has."""

from .catnet_backbone import CATNetBackbone
from .cmx_transformer import CMXTransformer
from .exact_size_hrnet import ExactSizeHRNet
from .mvss_backbone import MVSSBackbone
from .noiseprint_plus_plus import NoiseprintPlusPlus
from .timm_features import TIMMFeatures
from .timm_vit import TIMMViT
from .trufor_backbone import TruForBackbone
from .two_stream import DCTStream, TwoStreamBackbone

__all__ = [
    'CATNetBackbone',
    'CMXTransformer',
    'DCTStream',
    'ExactSizeHRNet',
    'MVSSBackbone',
    'NoiseprintPlusPlus',
    'TIMMFeatures',
    'TIMMViT',
    'TruForBackbone',
    'TwoStreamBackbone',
]
