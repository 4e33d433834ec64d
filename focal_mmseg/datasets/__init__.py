"""Forgery data: pictures, masks and the making of forgeries."""

from .forgery_dataset import ForgeryDataset
from .numbered_sampler import NumberedSampler
from .transforms import LoadForgeryMask

__all__ = ['ForgeryDataset', 'LoadForgeryMask', 'NumberedSampler']
