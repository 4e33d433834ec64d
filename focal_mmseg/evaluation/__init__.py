"""How well forged regions are found."""

from .metrics import ForgeryMetric

__all__ = ['ForgeryMetric']
