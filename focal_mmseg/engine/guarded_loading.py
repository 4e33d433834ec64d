"""mmengine's loading of checkpoints, without running code from them.

mmengine would load a file again with pickle when reading its weights alone fails. Importing this registers loaders of
files and of web addresses in their place, so that mmseg's own scripts, ``init_model`` and ``MMSegInferencer`` are
guarded too. ``torch.load`` itself stays what it is.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pickle import UnpicklingError
from typing import Any

import torch
from mmengine.runner import checkpoint as checkpoint_of_mmengine
from mmengine.runner.checkpoint import CheckpointLoader

from focal_mmseg.weights import SCHEME

from .checkpoint import FORCED, read_checkpoint, refusal_message, safe_globals


@CheckpointLoader.register_scheme(prefixes=('', SCHEME), force=True)
def load_from_local(filename: str, map_location: Any = None) -> Any:
    """Read a checkpoint file.

    Args:
        filename (str): May begin with ``~``, or with ``focal_mmseg://`` for a network that ships.
        map_location (Any): As ``torch.load`` takes it.

    Returns:
        Any: Its content.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no checkpoint, is truncated, or needs pickled objects.
    """
    return read_checkpoint(filename, map_location)


@CheckpointLoader.register_scheme(prefixes=('http://', 'https://'), force=True)
def load_from_http(filename: str, map_location: Any = None) -> Any:
    """Download a checkpoint, or find it where it was downloaded to before, and read it.

    Args:
        filename (str): Its address.
        map_location (Any): As ``torch.load`` takes it.

    Returns:
        Any: Its content.

    Raises:
        ValueError: If it needs pickled objects.
    """
    try:
        with _weights_only():
            return checkpoint_of_mmengine.load_from_http(filename, map_location)
    except UnpicklingError as error:
        raise ValueError(refusal_message(filename, error)) from error


@contextmanager
def _weights_only() -> Iterator[None]:
    """Have torch load weights only within the block, whatever its callers ask for."""
    before = os.environ.get(FORCED)
    os.environ[FORCED] = '1'
    try:
        with torch.serialization.safe_globals(safe_globals()):
            yield
    finally:
        if before is None:
            del os.environ[FORCED]
        else:
            os.environ[FORCED] = before
