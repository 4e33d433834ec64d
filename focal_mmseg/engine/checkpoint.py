"""Loading of checkpoints: weights only, and only those that fit."""

from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError

import torch
from mmengine.runner.checkpoint import get_torch_safe_globals
from torch import Tensor, nn

NAMES_SHOWN = 5


def load_weights(path: str | Path) -> dict[str, Tensor]:
    """Read the state dict of a checkpoint file without running code from it.

    Args:
        path (str | Path): A file that mmengine's CheckpointHook wrote, or a bare state dict.

    Returns:
        dict[str, Tensor]: On the CPU.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no checkpoint, is truncated, or needs pickled objects.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'the checkpoint {path} does not exist')
    try:
        with torch.serialization.safe_globals(get_torch_safe_globals()):
            checkpoint = torch.load(path, map_location='cpu', weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError, OSError) as error:
        raise ValueError(
            f'the checkpoint {path} cannot be read: it is truncated, no checkpoint, or needs pickled objects, '
            f'which are refused because they can run code ({error})'
        ) from error
    state = checkpoint.get('state_dict', checkpoint) if isinstance(checkpoint, dict) else None
    if not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise ValueError(f'the checkpoint {path} holds no state dict')
    return state


def misfits(model: nn.Module, state: Mapping[str, Tensor]) -> list[str]:
    """Why a state dict is not the model's: one line a difference, none if it fits.

    Args:
        model (nn.Module): Unwrapped.
        state (Mapping[str, Tensor]): Its would-be state dict.

    Returns:
        list[str]: Missing and unexpected names, and shapes that differ.
    """
    expected = model.state_dict()
    found = [f'missing: {name}' for name in expected if name not in state]
    found += [f'unexpected: {name}' for name in state if name not in expected]
    found += [
        f'{name}: {tuple(state[name].shape)} in the checkpoint, {tuple(value.shape)} in the model'
        for name, value in expected.items()
        if name in state and state[name].shape != value.shape
    ]
    return found


def require_fit(model: nn.Module, state: Mapping[str, Tensor], source: str) -> None:
    """Refuse a checkpoint of another model, most often one of another backbone.

    Raises:
        ValueError: With how many names differ and the first of them.
    """
    found = misfits(model, state)
    if found:
        shown = '\n  '.join(found[:NAMES_SHOWN])
        raise ValueError(
            f'{source} does not fit the config\'s model ({len(found)} differences): is it of another backbone or '
            f'embedding width? Use the config it was trained with. The first differences:\n  {shown}'
        )
