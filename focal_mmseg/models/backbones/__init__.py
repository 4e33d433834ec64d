"""Backbones that neither MMSegmentation nor MMPretrain has."""

from .timm_vit import TIMMViT

__all__ = ['TIMMViT']
