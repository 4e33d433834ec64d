"""Backbones that neither MMSegmentation nor MMPretrain has."""

from .cmx_transformer import CMXTransformer
from .noiseprint_plus_plus import NoiseprintPlusPlus
from .timm_vit import TIMMViT
from .trufor_backbone import TruForBackbone

__all__ = ['CMXTransformer', 'NoiseprintPlusPlus', 'TIMMViT', 'TruForBackbone']
