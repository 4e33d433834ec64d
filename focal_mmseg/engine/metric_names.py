"""Which metrics a validation can give."""

from collections.abc import Iterable
from difflib import get_close_matches

from mmengine.evaluator import BaseMetric
from mmengine.runner import ValLoop
from mmseg.evaluation import IoUMetric

from focal_mmseg.datasets.wrapped import iter_datasets
from focal_mmseg.evaluation import ForgeryMetric
from focal_mmseg.utils import ConfigError

SHOWN = 5
OF_IOU_METRIC = {
    'mIoU': ('mIoU', 'mAcc'),
    'mDice': ('mDice', 'mAcc'),
    'mFscore': ('mFscore', 'mPrecision', 'mRecall'),
}


def require_metric(loop: ValLoop, name: str, option: str) -> None:
    """Refuse to wait for a metric that no evaluator of the validation gives.

    Args:
        loop (ValLoop): Built.
        name (str): Of the metric, as ``'forgery/iou'``.
        option (str): Which option names it.

    Raises:
        ConfigError: If none gives it. Of metrics that are neither this project's nor mmseg's ``IoUMetric`` only the
            prefix is known.
    """
    known: list[str] = []
    for metric in loop.evaluator.metrics:
        names = _names(metric, loop)
        if names is None and (metric.prefix is None or name.startswith(f'{metric.prefix}/')):
            return
        known += names or ()
    if name in known:
        return
    near = get_close_matches(name, known, SHOWN, cutoff=0)
    there = f': there are {", ".join(near)}{", ..." if len(known) > len(near) else ""}' if near else ''
    raise ConfigError(
        f'{option} waits for the metric {name!r}, which no evaluator of the validation (val_evaluator) gives{there}'
    )


def _names(metric: BaseMetric, loop: ValLoop) -> list[str] | None:
    """The names of what a metric gives, with its prefix; None if nobody knows."""
    if isinstance(metric, ForgeryMetric) and type(metric).compute_metrics is ForgeryMetric.compute_metrics:
        places = _places(loop)
        names: Iterable[str] = metric.names(places) if places else ()
        if not names:
            return None
    elif type(metric) is IoUMetric:
        names = ['aAcc', *(name for kind in metric.metrics for name in OF_IOU_METRIC.get(kind, ()))]
    else:
        return None
    return [f'{metric.prefix}/{name}' if metric.prefix else name for name in names]


def _places(loop: ValLoop) -> set[tuple[str, str]]:
    """The data sets and kinds of the images of a validation; none where they cannot be asked."""
    places = set()
    for each in iter_datasets(loop.dataloader.dataset):
        if not hasattr(each, 'get_data_info'):
            return set()
        for index in range(len(each)):
            info = each.get_data_info(index)
            places.add((info.get('dataset_name', ''), info.get('kind', '')))
    return places
