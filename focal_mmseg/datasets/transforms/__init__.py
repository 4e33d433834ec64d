"""Transforms that forgery data need beyond mmseg's."""

from .load_forgery_mask import LoadForgeryMask
from .noise_residual import NoiseResidual
from .synthesize_forgery import SynthesizeForgery

__all__ = ['LoadForgeryMask', 'NoiseResidual', 'SynthesizeForgery']
