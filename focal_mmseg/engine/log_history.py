"""The log's history in a checkpoint: mmengine's objects, and the same as tensors, numbers and texts."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer


def as_plain_log(state: Mapping[str, Any]) -> dict[str, Any]:
    """The state of a message hub without objects.

    Args:
        state (Mapping[str, Any]): As ``MessageHub.state_dict`` gives it.

    Returns:
        dict[str, Any]: Each history a dict of two tensors and a number; numpy's numbers are Python's.
    """
    scalars = {name: _plain(each) if isinstance(each, HistoryBuffer) else each for name, each in _scalars(state)}
    info = {
        name: each.item() if isinstance(each, np.generic) else each
        for name, each in state.get('runtime_info', {}).items()
    }
    return {**state, 'log_scalars': scalars, 'runtime_info': info}


def as_log(state: Mapping[str, Any]) -> dict[str, Any]:
    """What ``MessageHub.load_state_dict`` takes, of what :func:`as_plain_log` made; all else stays.

    Args:
        state (Mapping[str, Any]): As a checkpoint holds it.
    """
    scalars = {name: _history(each) if isinstance(each, dict) else each for name, each in _scalars(state)}
    return {**state, 'log_scalars': scalars}


def _scalars(state: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return list(state.get('log_scalars', {}).items())


def _plain(history: HistoryBuffer) -> dict[str, Any]:
    values, counts = (torch.from_numpy(np.array(each)) for each in history.data)
    return dict(values=values, counts=counts, max_length=history.max_length)


def _history(plain: dict[str, Any]) -> HistoryBuffer:
    values, counts = (plain[name].cpu().numpy() for name in ('values', 'counts'))
    return HistoryBuffer(values, counts, plain['max_length'])
