"""Forgery data: images, masks and the making of forgeries."""

from .balanced_sampler import BalancedSampler
from .forgery_dataset import ForgeryDataset
from .numbered_sampler import NumberedSampler
from .transforms import LoadForgeryMask

__all__ = ['BalancedSampler', 'ForgeryDataset', 'LoadForgeryMask', 'NumberedSampler']
