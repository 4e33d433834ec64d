"""State dicts in a release's own names, filled by a rule, and what the released code answered with them.

The answers were made by running the released networks with weights that the rule gives, on one image each. They lie
beside the repository, so tests that compare with them skip where they are absent.
"""

import json
import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

STORED = Path(__file__).parents[3] / 'shared' / 'peers'
Shapes = Mapping[str, Sequence[int]]


def by_rule(name: str, shape: Sequence[int], gain: float) -> np.ndarray:
    """The values, float64, of one tensor by its released name and its shape.

    Batch norms get statistics and weights away from those of a fresh one, so that eps, statistics and order tell.
    """
    chance = np.random.RandomState(zlib.crc32(name.encode()) & 0x7FFFFFFF)
    last = name.rpartition('.')[2]
    if last == 'num_batches_tracked':
        return np.zeros(shape)
    if last == 'running_var':
        return 0.5 + chance.rand(*shape)
    if last == 'running_mean':
        return 0.1 * chance.randn(*shape)
    if last == 'weight' and len(shape) == 1:
        return 0.4 + 0.4 * chance.rand(*shape)
    if len(shape) < 2:
        return np.asarray(0.1 * chance.randn(*shape))
    return gain * chance.randn(*shape) / math.sqrt(math.prod(shape[1:]))


def filled(
    shapes: Shapes, gain: float, other: Callable[[str, Sequence[int]], np.ndarray | None] = lambda name, shape: None
) -> dict[str, Tensor]:
    """A released-style state dict.

    Args:
        shapes (Mapping[str, Sequence[int]]): By released names.
        gain (float): Of weights of two dimensions or more; keeps the answers away from saturation.
        other (Callable): Values of a tensor that the rule is not for, else None.
    """
    tensors = {}
    for name, shape in shapes.items():
        values = other(name, shape)
        values = by_rule(name, shape, gain) if values is None else values
        whole = name.endswith('num_batches_tracked')
        tensors[name] = torch.from_numpy(np.asarray(values)).to(torch.int64 if whole else torch.float32)
    return tensors


def stored_answers(system: str) -> dict[str, np.ndarray]:
    """The released network's answers, and ``gain``; ``system`` is ``'osn'``, ``'mvss'``, ...; skips where absent."""
    path = STORED / f'{system}.npz'
    if not path.is_file():
        pytest.skip(f'the released answers are not beside the repository, at {path}')
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def stored_shapes(system: str) -> dict[str, tuple[int, ...]]:
    """Shapes by released names; skips where absent."""
    path = STORED / f'keys_{system}.json'
    if not path.is_file():
        pytest.skip(f'the released names are not beside the repository, at {path}')
    return {name: tuple(shape) for name, (shape, _) in json.loads(path.read_text()).items()}
