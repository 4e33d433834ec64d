"""Which checkpoint of a folder a training goes on from."""

import math
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.registry import LOOPS
from mmengine.runner import EpochBasedTrainLoop
from mmengine.runner.base_loop import BaseLoop

from .checkpoint import read_checkpoint

LAST = 'last_checkpoint'
# What version 0.2 wrote there before there was one.
NOTHING_YET = 'nothing yet'
BY_ITER, BY_EPOCH = 'iter_{}.pth', 'epoch_{}.pth'


@dataclass(frozen=True)
class Rejection:
    """Why a training cannot go on from a checkpoint.

    Attributes:
        reason (str): For people.
        is_lost (bool): Whether nothing can be made of it, so that starting anew throws nothing away.
    """

    reason: str
    is_lost: bool


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


def newest_number(work_dir: Path, template: str, is_marked: bool) -> int | None:
    """The number of the latest checkpoint that the latest training of a work dir wrote.

    Args:
        work_dir (Path): Where mmengine writes ``last_checkpoint``.
        template (str): Of the names of checkpoints, as ``'iter_{}.pth'``.
        is_marked (bool): Whether that training removed, when it began, what an earlier one had written there.

    Returns:
        int | None: 0 if there is none yet, None if nothing tells it.

    Raises:
        ValueError: If the file names a checkpoint of another template.
    """
    path = work_dir / LAST
    if not path.is_file():
        return 0 if is_marked else None
    # The folder may have been moved since.
    name = Path(path.read_text(encoding='utf-8', errors='replace').strip()).name
    if name in ('', NOTHING_YET):
        return 0 if name else None
    number = _number(name, template)
    if number is None:
        raise ValueError(
            f'{path} names {name}, which is none of default_hooks.checkpoint.filename_tmpl={template}: give the '
            'template of that run, or remove the file'
        )
    return number


def _number(name: str, template: str) -> int | None:
    """Of a checkpoint; None if the name is not of the template."""
    found = re.fullmatch(re.escape(template).replace(re.escape('{}'), r'(\d+)'), name)
    return int(found[1]) if found else None


def latest_checkpoint(
    folder: Path, template: str = BY_ITER, newest: int | None = None, processes: int = 1
) -> tuple[Path | None, list[Rejection]]:
    """The latest checkpoint of a training that can be read.

    A run that is killed while it writes, or a full disk, leaves a file without its end.

    Args:
        folder (Path): With checkpoints: files, or the folders that DeepSpeed writes.
        template (str): Of their names. Defaults to ``'iter_{}.pth'``.
        newest (int, optional): Those of a higher number are of an earlier training. Defaults to None: there are none.
        processes (int): With a part each in a folder of DeepSpeed's. Defaults to 1.

    Returns:
        tuple: The file or folder, or None where there is none; and why later ones were passed over.
    """
    numbered = sorted(
        ((number, path) for path in folder.glob('*') if (number := _number(path.name, template)) is not None),
        reverse=True,
    )
    most = math.inf if newest is None else newest
    earlier = [path.name for number, path in numbered if number > most]
    rejected = []
    if earlier:
        reason = f'not of the latest training, but of an earlier one, are {", ".join(earlier)} in {folder}'
        rejected.append(Rejection(reason, is_lost=True))
    for _, path in numbered[len(earlier) :]:
        rejection = _rejected_shards(path, processes) if path.is_dir() else _rejected_file(path)
        if rejection is None:
            return path, rejected
        rejected.append(rejection)
    return None, rejected


def _rejected_file(path: Path) -> Rejection | None:
    """Why a training cannot go on from a file of mmengine's; None if it can."""
    if damage := _damage(path):
        return Rejection(damage, is_lost=True)
    try:
        content = read_checkpoint(path)
    except ValueError as error:
        return Rejection(str(error), is_lost=False)
    if isinstance(content, dict) and 'optimizer' in content:
        return None
    return Rejection(f'the checkpoint {path} has no optimizer to go on with (save_optimizer=False)', is_lost=False)


def _rejected_shards(folder: Path, processes: int) -> Rejection | None:
    """Why a training cannot go on from a folder of DeepSpeed's, with a part of each process; None if it can."""
    for rank in range(processes):
        if not any(folder.glob(f'*zero_pp_rank_{rank}_mp_rank_00_optim_states.pt')):
            return Rejection(f'the checkpoint {folder} has no optimizer state of process {rank}', is_lost=True)
    for path in (folder / 'mp_rank_00_model_states.pt', *folder.glob('*.pt')):
        if damage := _damage(path):
            return Rejection(damage, is_lost=True)
    return None


def _damage(path: Path) -> str | None:
    """What is wrong with an archive of torch's, of which torch itself checks no sums; None if it is whole."""
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except (OSError, zipfile.BadZipFile):
        return f'the checkpoint {path} cannot be read: it is truncated or missing'
    return f'the checkpoint {path} is damaged in {damaged}' if damaged else None
