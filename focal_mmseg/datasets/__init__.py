"""Forgery data: images, masks and the making of forgeries."""

from .balanced_sampler import BalancedSampler
from .forgery_dataset import ForgeryDataset
from .seeded_sampler import SeededInfiniteSampler
from .transforms import LoadForgeryMask

__all__ = ['BalancedSampler', 'ForgeryDataset', 'LoadForgeryMask', 'SeededInfiniteSampler']
