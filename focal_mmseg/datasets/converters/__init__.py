"""Converters of public data sets."""

from .base import DataSet, Dropped, Picture, Report, convert
from .coverage import COVERAGE

SETS: dict[str, DataSet] = {each.name: each for each in (COVERAGE,)}

__all__ = ['SETS', 'DataSet', 'Dropped', 'Picture', 'Report', 'convert']
