"""Devices of torch's, by name."""

import torch

from .configs import ConfigError


def require_device(name: str) -> str:
    """Refuse a device that is not here.

    Args:
        name (str): As ``'cpu'``, ``'cuda'``, ``'cuda:1'``.

    Returns:
        str: The same.

    Raises:
        ConfigError: If torch knows no such device, or has none.
    """
    try:
        torch.empty(0, device=name)
    except (AssertionError, NotImplementedError, RuntimeError) as error:
        gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
        here = ' or '.join(['cpu', *(f'cuda:{number}' for number in range(gpus))])
        raise ConfigError(f'torch has no device {name!r} here: give {here}, or leave the device out') from error
    return name
