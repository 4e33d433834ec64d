"""Backbones that neither MMSegmentation nor MMPretrain has."""

from .mvss_backbone import MVSSBackbone
from .timm_vit import TIMMViT

__all__ = ['MVSSBackbone', 'TIMMViT']
