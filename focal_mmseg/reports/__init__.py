"""Comparisons of models as tables, pictures and one page."""

from .page import write_page
from .plan import Plan, Run, TestSet, read_plan
from .steps import read_steps
from .tables import Table

__all__ = ['Plan', 'Run', 'Table', 'TestSet', 'read_plan', 'read_steps', 'write_page']
