"""Config files, read so that what is wrong with them is told in one line."""

import inspect
import warnings
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import FlexibleRunner, Runner

# What mmengine's runners, mmseg's tools and ours read of a config; all else is a variable of its file.
_OF_RUNNERS = (name for kind in (Runner, FlexibleRunner) for name in inspect.signature(kind.__init__).parameters)
_OF_CONFIG = ('activation_checkpointing', 'efficient_conv_bn_eval', 'find_unused_parameters', 'model_wrapper_cfg')
_OF_TOOLS = ('custom_imports', 'runner_type', 'train_pipeline', 'test_pipeline', 'tta_model', 'tta_pipeline')
READ = tuple(dict.fromkeys([*_OF_RUNNERS, 'compile', *_OF_CONFIG, *_OF_TOOLS]))
PLACES_SHOWN = 8


class ConfigError(ValueError):
    """What a config, or an option of a command, asks for cannot be; the message says which key, and what to do."""


def read_config(path: str | Path) -> Config:
    """Read a config file.

    Args:
        path (str | Path): The file.

    Returns:
        Config: With its bases.

    Raises:
        ConfigError: If a base has the form ``'mmseg::...'`` and the distribution that mmengine looks for is missing.
        FileNotFoundError: If the file, or a base, is missing.
    """
    try:
        return Config.fromfile(path)
    except ModuleNotFoundError as error:
        # What a config imports itself has a name.
        if error.name is not None:
            raise
        raise ConfigError(
            f"{path}: a base of the form 'mmseg::...' is found through the distribution that it belongs to ({error}). "
            'Do not install that one where the maintained distributions (onedl-...) are: it would overwrite them. Give '
            'the base by its path, below .mim/configs in the folder of the installed package: docs/guide/mmseg.md, '
            "*MMSegmentation's own tools*"
        ) from error


def override(cfg: Config, options: Mapping[str, Any]) -> None:
    """Merge what ``--cfg-options`` gives, but for options that would change nothing.

    Args:
        cfg (Config): Is changed.
        options (Mapping[str, Any]): By key, as ``'train_dataloader.batch_size'``.

    Raises:
        ConfigError: If one sets a variable of the config file, as ``data_root``, that other keys were made of before.
    """
    for key in options:
        name = key.partition('.')[0]
        if name in READ:
            continue
        made = [place for part in READ if part in cfg and name in cfg for place in _places(cfg[part], cfg[name], part)]
        if not made:
            near = get_close_matches(name, READ, 1)
            warnings.warn(
                f'--cfg-options {key}: nothing of mmengine reads {name}{f", did you mean {near[0]}?" if near else ""}',
                stacklevel=2,
            )
        else:
            shown = ', '.join(made[:PLACES_SHOWN]) + (', ...' if len(made) > PLACES_SHOWN else '')
            raise ConfigError(
                f'--cfg-options {key} would change nothing: {name} is a variable of the config file, of which other '
                f'keys were made when it was read. Set those: {shown}'
            )
    cfg.merge_from_dict(dict(options))


def _places(part: Any, value: Any, key: str) -> Iterator[str]:
    """The keys of a part of a config that hold a value, or a path below it; none of a number, which is often chance."""
    if not isinstance(value, str | list | tuple | dict) or not value:
        return
    below = isinstance(value, str) and isinstance(part, str) and part.startswith(f'{value}/')
    if below or (type(part) is type(value) and part == value):
        yield key
    elif isinstance(part, dict):
        for name, each in part.items():
            yield from _places(each, value, f'{key}.{name}')
    elif isinstance(part, list | tuple):
        for number, each in enumerate(part):
            yield from _places(each, value, f'{key}.{number}')
