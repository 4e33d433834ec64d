"""Backbones that neither MMSegmentation nor MMPretrain has."""

from .exact_size_hrnet import ExactSizeHRNet
from .timm_vit import TIMMViT

__all__ = ['ExactSizeHRNet', 'TIMMViT']
