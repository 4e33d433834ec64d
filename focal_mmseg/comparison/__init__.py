"""Models compared on the same images: a plan in; tables, images and one page out."""

from .compare import compare
from .comparison import Comparison
from .plan import Plan, Run, TestSet, read_plan
from .report import write_report
from .table import Column, Table
from .training_log import read_training_log

__all__ = [
    'Column',
    'Comparison',
    'Plan',
    'Run',
    'Table',
    'TestSet',
    'compare',
    'read_plan',
    'read_training_log',
    'write_report',
]
