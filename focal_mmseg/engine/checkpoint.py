"""Loading of checkpoints: weights only, and only those that fit."""

import os
import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import mmengine.runner.checkpoint
import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmseg.registry import MODELS
from torch import Tensor, nn

from focal_mmseg.weights import resolve_checkpoint

FORCED = 'TORCH_FORCE_WEIGHTS_ONLY_LOAD'
NAMES_SHOWN = 5
CORES = ('core', '_core')
STATISTICS = ('current', 'max', 'mean', 'min')
# Parts of a segmentor that never test.
ONLY_TRAINS = re.compile(r'(^|\.)(auxiliary_head|loss_decode)\.')
# Of a file that is read piece by piece.
BLOCK = 2**20
DTYPES = ('bool', 'int32', 'int64', 'uint32', 'float32', 'float64')


def _statistic(owner: Any, name: str) -> Any:
    """What getattr is needed for in a checkpoint: the statistics of a log's history.

    Raises:
        ValueError: For anything else: from a function's ``__globals__`` a file could reach code and run it.
    """
    if owner is not HistoryBuffer or name not in STATISTICS:
        raise ValueError(f'getattr of {name!r} is refused')
    return getattr(owner, name)


def safe_globals() -> list[Any]:
    """What a checkpoint of mmengine has beside tensors, in its log's history: arrays, by the names of numpy 1 and 2.

    Returns:
        list[Any]: For ``torch.serialization.safe_globals``.
    """
    reconstruct: Any = np.empty(0).__reduce__()[0]
    scalar: Any = np.float64(0).__reduce__()[0]
    names = [(part, f'numpy.{core}.multiarray.{part.__name__}') for part in (reconstruct, scalar) for core in CORES]
    names.append((_statistic, 'builtins.getattr'))
    return [HistoryBuffer, slice, np.ndarray, np.dtype, *(type(np.dtype(kind)) for kind in DTYPES), *names]


def load_weights(path: str | Path) -> Mapping[str, Tensor]:
    """Read the state dict of a checkpoint file without running code from it.

    Args:
        path (str | Path): A file that mmengine's CheckpointHook wrote, or a bare state dict.

    Returns:
        Mapping[str, Tensor]: On the CPU.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no checkpoint, is truncated, or needs pickled objects.
    """
    return extract_state_dict(read_checkpoint(path), f'the checkpoint {path}')


def read_checkpoint(path: str | Path, map_location: Any = 'cpu') -> Any:
    """Read all that a checkpoint file holds without running code from it.

    Args:
        path (str | Path): A file that torch or mmengine wrote, or ``focal_mmseg://NAME`` for a network that ships.
        map_location (Any): Where its tensors go, as ``torch.load`` takes it. Defaults to ``'cpu'``.

    Returns:
        Any: Its content.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no checkpoint, is truncated, or needs pickled objects.
    """
    path = resolve_checkpoint(path)
    if not path.is_file():
        raise FileNotFoundError(f'the checkpoint {path} does not exist')
    try:
        with torch.serialization.safe_globals(safe_globals()):
            return torch.load(path, map_location=map_location, weights_only=True)
    except Exception as error:  # damaged bytes make the unpickler fail in any way
        raise ValueError(refusal_message(path, error)) from error


def digest(checkpoint: str | Path) -> str:
    """The hash (SHA-256) of a checkpoint's file, which need not fit into memory, or of one that ships, by its name."""
    found = sha256()
    with resolve_checkpoint(checkpoint).open('rb') as file:
        while block := file.read(BLOCK):
            found.update(block)
    return found.hexdigest()


def refusal_message(path: str | Path, error: Exception) -> str:
    """What to say of a checkpoint that cannot be read without running code from it."""
    return (
        f'the checkpoint {path} cannot be read: it is truncated, no checkpoint, or needs pickled objects, which are '
        f'refused because they can run code ({error})'
    )


def load_weights_only() -> None:
    """From here on this process loads weights only, whatever loads them and wherever they come from.

    Beyond what ``guarded_loading`` does this holds for ``torch.load``, and for the weights of backbones that mmengine
    knows by a name: it would load a file again without that guard when the first attempt fails, and the maintained
    distribution lets a file use getattr on anything, which is enough to run code.
    """
    os.environ[FORCED] = '1'
    if hasattr(mmengine.runner.checkpoint, 'get_torch_safe_globals'):
        mmengine.runner.checkpoint.get_torch_safe_globals = safe_globals


def require_source(model: Mapping[str, Any], checkpoint: str | Path | None) -> None:
    """Refuse to test random weights: a checkpoint is needed, but for classes that say ``needs_checkpoint = False``.

    Args:
        model (Mapping[str, Any]): Config of the model, whose ``type`` is a class or the name of one in MODELS.
        checkpoint (str | Path, optional): What the user gave.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If there is none given, and the model's class needs one.
    """
    kind = MODELS.get(model['type']) if isinstance(model['type'], str) else model['type']
    if checkpoint is None and getattr(kind, 'needs_checkpoint', True):
        raise ValueError(
            f'{model["type"]} needs a checkpoint; only a FOCALFusion, whose members name theirs, and models without '
            'parameters do not'
        )
    if checkpoint is not None and not resolve_checkpoint(checkpoint).is_file():
        raise FileNotFoundError(f'the checkpoint {checkpoint} does not exist')


def load_to_test(model: nn.Module, weights: Mapping[str, Tensor], source: str) -> None:
    """Give a model that will only test its weights; what only trains, on either side, is left as it is.

    Args:
        model (nn.Module): A segmentor, unwrapped.
        weights (Mapping[str, Tensor]): Its state dict.
        source (str): What to call it in an error.

    Raises:
        ValueError: If they do not fit.
    """
    require_fit(model, weights, source, to_test=True)
    model.load_state_dict(weights if tests_auxiliary_head(model) else drop_training_state(weights), strict=False)


def tests_auxiliary_head(model: nn.Module) -> bool:
    """Whether a segmentor needs its auxiliary head at test time too, as for edges: its class says so."""
    return getattr(model, 'auxiliary_head_tests', False)


def extract_state_dict(checkpoint: Any, source: str) -> Mapping[str, Tensor]:
    """The state dict in what a checkpoint file holds.

    Raises:
        ValueError: If there is none.
    """
    state = checkpoint.get('state_dict', checkpoint) if isinstance(checkpoint, Mapping) else None
    if not isinstance(state, Mapping) or not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise ValueError(f'{source} holds no state dict: give a file that a training of this project wrote')
    return state


def drop_training_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state dict without what only trains: auxiliary heads, and what a loss holds.

    Args:
        state (Mapping[str, Tensor]): Of a segmentor.
    """
    return {name: value for name, value in state.items() if not ONLY_TRAINS.search(name)}


def find_misfits(model: nn.Module, state: Mapping[str, Tensor], to_test: bool = False) -> list[str]:
    """Why a state dict is not the model's: one line a difference, none if it fits.

    Args:
        model (nn.Module): Unwrapped.
        state (Mapping[str, Tensor]): Its would-be state dict.
        to_test (bool): Whether what only trains does not count, see :func:`drop_training_state`. Defaults to False.

    Returns:
        list[str]: Missing and unexpected names, and shapes that differ.
    """
    expected = model.state_dict()
    if to_test and not tests_auxiliary_head(model):
        expected, state = drop_training_state(expected), drop_training_state(state)
    found = [f'missing: {name}' for name in expected if name not in state]
    found += [f'unexpected: {name}' for name in state if name not in expected]
    found += [
        f'{name}: {tuple(state[name].shape)} in the checkpoint, {tuple(value.shape)} in the model'
        for name, value in expected.items()
        if name in state and state[name].shape != value.shape
    ]
    return found


def require_fit(model: nn.Module, state: Mapping[str, Tensor], source: str, to_test: bool = False) -> None:
    """Refuse a checkpoint of another model, most often one of another backbone.

    Args:
        model (nn.Module): See :func:`find_misfits`.
        state (Mapping[str, Tensor]): See there.
        source (str): What to call it.
        to_test (bool): See there.

    Raises:
        ValueError: With how many names differ and the first of them.
    """
    found = find_misfits(model, state, to_test)
    if found:
        shown = '\n  '.join(found[:NAMES_SHOWN])
        raise ValueError(
            f"{source} does not fit the config's model ({len(found)} differences): is it of another backbone or "
            f'embedding width? Use the config it was trained with. The first differences:\n  {shown}'
        )
