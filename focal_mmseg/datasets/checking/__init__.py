"""Whether the pictures and masks of a data set are what they should be."""

from .entries import Entry, entries_of
from .near_duplicates import near_pairs
from .picture_check import Finding, check_picture

__all__ = ['Entry', 'Finding', 'check_picture', 'entries_of', 'near_pairs']
