"""Metrics."""

from .forgery_metric import ForgeryMetric

__all__ = ['ForgeryMetric']
