"""Transforms that forgery data need beyond mmseg's."""

from .load_forgery_mask import LoadForgeryMask

__all__ = ['LoadForgeryMask']
