"""How well forged regions are found: pure functions of masks and scores, the metric that runs them, and its files."""

from .averages import PRISTINE_RULES, average_metrics, confidence_intervals, metric_values
from .counts import Counts
from .detection import DETECTION_METRICS, detection_metrics
from .files import read_operating_curves, read_rows, write_operating_curves, write_rows, write_summary
from .image_scores import IMAGE_SCORES
from .localisation import LOCALISATION_METRICS, localisation_metrics
from .metrics import ForgeryMetric
from .operating import OPERATING_METRICS, OperatingCurve, operating_curve, operating_metrics
from .paired import average_trainings, paired_difference
from .pooling import POOLED_METRICS, pooled_metrics, score_histogram
from .summary import MEAN_OF_SETS, GroupMetrics, summarise, summary_tables

__all__ = [
    'DETECTION_METRICS',
    'IMAGE_SCORES',
    'LOCALISATION_METRICS',
    'MEAN_OF_SETS',
    'OPERATING_METRICS',
    'POOLED_METRICS',
    'PRISTINE_RULES',
    'Counts',
    'ForgeryMetric',
    'GroupMetrics',
    'OperatingCurve',
    'average_metrics',
    'average_trainings',
    'confidence_intervals',
    'detection_metrics',
    'localisation_metrics',
    'metric_values',
    'operating_curve',
    'operating_metrics',
    'paired_difference',
    'pooled_metrics',
    'read_operating_curves',
    'read_rows',
    'score_histogram',
    'summarise',
    'summary_tables',
    'write_operating_curves',
    'write_rows',
    'write_summary',
]
