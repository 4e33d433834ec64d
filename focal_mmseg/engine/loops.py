"""What a training counts."""

from collections.abc import Mapping
from typing import Any

from mmengine.registry import LOOPS
from mmengine.runner import EpochBasedTrainLoop
from mmengine.runner.base_loop import BaseLoop


def counts_epochs(loop: BaseLoop | Mapping[str, Any] | None) -> bool:
    """Whether a training counts epochs, not iterations.

    Args:
        loop (BaseLoop | Mapping, optional): Its loop, or ``train_cfg``; None where nothing is trained.
    """
    if not isinstance(loop, Mapping):
        return isinstance(loop, EpochBasedTrainLoop)
    kind = loop.get('type')
    if kind is None:
        return bool(loop.get('by_epoch'))
    kind = LOOPS.get(kind) if isinstance(kind, str) else kind
    return isinstance(kind, type) and issubclass(kind, EpochBasedTrainLoop)
