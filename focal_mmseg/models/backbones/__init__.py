"""Backbones that neither MMSegmentation nor MMPretrain has."""

from .catnet_backbone import CATNetBackbone
from .exact_size_hrnet import ExactSizeHRNet
from .timm_vit import TIMMViT

__all__ = ['CATNetBackbone', 'ExactSizeHRNet', 'TIMMViT']
