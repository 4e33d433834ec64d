"""Metrics."""

from .forgery_metric import ForgeryMetric, picture_scores

__all__ = ['ForgeryMetric', 'picture_scores']
