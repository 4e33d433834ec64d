"""From a path or an array to a mask, and from a command line to a run."""

from .calibration import Calibration
from .inferencer import FOCALInferencer, model_source
from .prediction import Prediction
from .run_config import add_run_arguments, load_run_config

__all__ = ['Calibration', 'FOCALInferencer', 'Prediction', 'add_run_arguments', 'load_run_config', 'model_source']
