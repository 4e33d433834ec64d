"""What the result of a job depends on, as a stamp: while it is the same, nothing is done again."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from mmengine.config import ConfigDict

from focal_mmseg import __version__
from focal_mmseg.apis.run_config import parse_options, use_data
from focal_mmseg.datasets.wrapped import iter_dataset_configs
from focal_mmseg.utils import read_config

# The parts of a config whose data sets a tool reads.
PARTS = {'train.py': ('train', 'val'), 'test.py': ('test',)}


def make_stamp(
    tool: str,
    config: str,
    checkpoint: str | None = None,
    data: Sequence[str] = (),
    options: Sequence[str] = (),
    arguments: Sequence[str] = (),
) -> dict[str, Any]:
    """The version, the arguments, the configs as they are read, and the files that they name by size and time.

    Args:
        tool (str): ``'train.py'`` or ``'test.py'``.
        config (str): Config file.
        checkpoint (str, optional): Weights.
        data (Sequence[str]): Of the data sets, as for ``--data``.
        options (Sequence[str]): ``KEY=VALUE``, as for ``--cfg-options``.
        arguments (Sequence[str]): Others.

    Returns:
        dict[str, Any]: As JSON has it.

    Raises:
        ValueError: If a config cannot be read.
    """
    try:
        cfg = read_config(config)
        if data:
            use_data(cfg, data, PARTS[tool])
        cfg.merge_from_dict(parse_options(options))
        configs, files = _find_named_files(cfg.get('model'))
    # A config is Python: anything may go wrong in it.
    except Exception as error:
        raise ValueError(f'{config} cannot be read: {type(error).__name__}: {error}') from error
    loaders = (cfg.get(f'{part}_dataloader') for part in PARTS[tool])
    places = [place for loader in loaders if loader for place in _places(loader.dataset)]
    marks = {path: mark for path in [checkpoint, *files, *places] if path and (mark := _mark(path))}
    whole = repr(cfg.to_dict())
    return dict(version=__version__, tool=tool, config=whole, members=configs, arguments=list(arguments), files=marks)


def is_same(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether nothing has changed. A file that is gone has not: where a report is all that is left, it stays true."""
    before = old.get('files', {})
    return {**old, 'files': {}} == {**new, 'files': {}} and all(
        before.get(path) == mark for path, mark in new['files'].items()
    )


def read_stamp(path: Path) -> dict[str, Any]:
    """A stamp that was written; nothing where there is none or it is broken."""
    try:
        found = json.loads(path.read_text(encoding='utf-8'))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _find_named_files(model: Any) -> tuple[dict[str, str], list[str]]:
    """The configs of a fusion's members, and the weights and folders of masks that a model names, theirs too."""
    configs: dict[str, str] = {}
    files: list[str] = []
    waiting = [model]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Mapping):
            files += [each[key] for key in ('checkpoint', 'folder') if isinstance(each.get(key), str)]
            member = each.get('config')
            if isinstance(member, str) and member not in configs:
                cfg = read_config(member)
                configs[member] = repr(cfg.to_dict())
                waiting.append(cfg.get('model'))
            waiting += each.values()
        elif isinstance(each, list | tuple):
            waiting += each
    return configs, files


def _places(dataset: ConfigDict) -> Iterator[str]:
    """The list files and folders that a data set is read from."""
    for each in iter_dataset_configs(dataset):
        root, prefix = each.get('data_root') or '', each.get('data_prefix') or {}
        if each.get('ann_file'):
            yield str(Path(root, each.ann_file))
        folders = [folder for folder in prefix.values() if folder and isinstance(folder, str)]
        yield from (str(Path(root, folder)) for folder in folders or [''] if root or folder)


def _mark(path: str) -> list[int] | str | None:
    """A file by size and time, a folder by those of all files in it; None where there is nothing."""
    if Path(path).is_dir():
        return _listing(path)
    if Path(path).is_file():
        status = Path(path).stat()
        return [status.st_size, status.st_mtime_ns]
    return None


@cache
def _listing(folder: str) -> str:
    """A digest of the names, sizes and times of all files in a folder, looked at once: there may be 100,000."""
    digest = hashlib.sha256()
    waiting, seen = [''], set()
    while waiting:
        inner = waiting.pop()
        with os.scandir(Path(folder, inner)) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                name = f'{inner}{entry.name}'
                if entry.is_dir():
                    # A link may lead to a folder above it.
                    target = Path(entry.path).resolve() if entry.is_symlink() else name
                    waiting += [f'{name}/'] if target not in seen else []
                    seen.add(target)
                    continue
                status = entry.stat(follow_symlinks=entry.is_file())
                digest.update(f'{name}\0{status.st_size}\0{status.st_mtime_ns}\n'.encode(errors='surrogateescape'))
    return digest.hexdigest()
