"""Comparisons of models as tables, pictures and one page."""

from .page import write_page
from .plan import Plan, Run, TestSet, read_plan
from .tables import Table

__all__ = ['Plan', 'Run', 'Table', 'TestSet', 'read_plan', 'write_page']
