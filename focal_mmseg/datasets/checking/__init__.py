"""Whether the images and masks of a data set are what they should be."""

from .entries import Entry, list_entries
from .image_check import Finding, check_image
from .near_duplicates import find_near_pairs

__all__ = ['Entry', 'Finding', 'check_image', 'find_near_pairs', 'list_entries']
