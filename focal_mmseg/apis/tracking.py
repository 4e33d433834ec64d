"""Training curves and sample images in TensorBoard, Weights & Biases or MLflow."""

import os
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from types import MappingProxyType

from mmengine.config import Config

# mmengine's backend by the name of the package that it needs.
TRACKERS = MappingProxyType(
    dict(tensorboard='TensorboardVisBackend', wandb='WandbVisBackend', mlflow='MLflowVisBackend')
)
# Every so many validation images one is drawn.
INTERVAL = 20


def use_trackers(cfg: Config, names: Sequence[str]) -> None:
    """Show losses, metrics, and images of the validation with their truth and mask, beside mmengine's own log.

    Warns where nothing is validated, so that there are no images.

    Args:
        cfg (Config): Is changed: ``visualizer.vis_backends`` and ``default_hooks.visualization``.
        names (Sequence[str]): Of ``TRACKERS``.

    Raises:
        ModuleNotFoundError: If a package is not installed; names it.
    """
    for name in names:
        if find_spec(name) is None:
            raise ModuleNotFoundError(f'--track {name} needs the package {name}: pip install {name}')
        cfg.visualizer.vis_backends.append(dict(type=TRACKERS[name]))
    if 'mlflow' in names:
        # mmengine has it write into a folder, which newer versions (3.17 for one) do only if they are asked to.
        os.environ.setdefault('MLFLOW_ALLOW_FILE_STORE', 'true')
    if names and cfg.get('val_dataloader') is None:
        warnings.warn(
            f'--track {" ".join(names)}: val_dataloader is None, so that there are curves of the training alone, no '
            'metrics and no images',
            stacklevel=2,
        )
    if names:
        cfg.default_hooks.visualization = dict(
            type='SegVisualizationHook', draw=True, interval=INTERVAL, backend_args=dict(backend='any_image')
        )
