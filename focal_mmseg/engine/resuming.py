"""Which checkpoint a training goes on from."""

import math
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.dist import broadcast_object_list, get_world_size, is_main_process
from mmengine.runner import Runner

from .checkpoint import read_checkpoint
from .loops import counts_epochs

LAST = 'last_checkpoint'
NOTHING_YET = 'nothing yet'
BY_ITER, BY_EPOCH = 'iter_{}.pth', 'epoch_{}.pth'


@dataclass(frozen=True)
class Lack:
    """Why a training cannot go on from a checkpoint.

    Attributes:
        reason (str): For people.
        is_lost (bool): Whether nothing can be made of it, so that starting anew throws nothing away.
    """

    reason: str
    is_lost: bool


def resume(runner: Runner) -> None:
    """Have a runner go on from the latest whole checkpoint of its work dir; from the start where there is none.

    The first process decides for all.

    Args:
        runner (Runner): Not yet training.

    Raises:
        ValueError: If there are checkpoints, but none to go on from, or if the run has no seed of its own.
    """
    found: list[Any] = [None]
    if is_main_process():
        try:
            found = [_decide(runner)]
        except ValueError as error:
            found = [error]
    broadcast_object_list(found)
    if isinstance(found[0], ValueError):
        raise found[0]
    if found[0] is not None:
        runner._load_from, runner._resume = str(found[0]), True


def _decide(runner: Runner) -> Path | None:
    """What to go on from, with the log of why; see :func:`resume`."""
    work_dir = Path(runner.work_dir)
    folder, template = _place(work_dir, runner.cfg)
    named = _named(work_dir)
    newest = _number(named, template) if named else math.inf
    if newest is None:
        raise ValueError(
            f'{work_dir / LAST} names {named}, which is none of default_hooks.checkpoint.filename_tmpl={template}: '
            'give the template of that run, or remove the file'
        )
    checkpoint, lacks = whole_checkpoint(folder, template, newest, get_world_size())
    for lack in lacks:
        runner.logger.warning(f'passed over: {lack.reason}')
    if checkpoint is None and (not all(lack.is_lost for lack in lacks) or (not lacks and newest not in (0, math.inf))):
        raise ValueError(
            f'no checkpoint in {folder} can be gone on from, though {LAST} in {work_dir} names {named or "none"}; '
            'without --resume it starts anew'
        )
    if checkpoint is None:
        runner.logger.warning(f'no checkpoint of this training in {folder}: it starts anew')
    elif runner.cfg.get('randomness', {}).get('seed') is None:
        raise ValueError(
            f'randomness.seed is None, so that a training that goes on from {checkpoint} would see other pictures: '
            'give the seed that the log of its start shows, --cfg-options randomness.seed=...'
        )
    return checkpoint


def _place(work_dir: Path, cfg: Config) -> tuple[Path, str]:
    """The folder of the checkpoints and the template of their names, as mmengine's CheckpointHook has them."""
    hook = cfg.get('default_hooks', {}).get('checkpoint') or {}
    folder = Path(hook['out_dir']) / work_dir.name if hook.get('out_dir') else work_dir
    by_epoch = hook.get('by_epoch', True)
    by_epoch = counts_epochs(cfg.get('train_cfg')) if by_epoch is None else by_epoch
    return folder, hook.get('filename_tmpl') or (BY_EPOCH if by_epoch else BY_ITER)


def _named(work_dir: Path) -> str | None:
    """The name of the last checkpoint of the latest training in a work dir; None if nothing tells it."""
    path = work_dir / LAST
    # The folder may have been moved since.
    return Path(path.read_text(encoding='utf-8', errors='replace').strip()).name or None if path.is_file() else None


def _number(name: str, template: str) -> int | None:
    """Of a checkpoint; 0 if there is none yet, None if the name is not of the template."""
    if name == NOTHING_YET:
        return 0
    found = re.fullmatch(re.escape(template).replace(re.escape('{}'), r'(\d+)'), name)
    return int(found[1]) if found else None


def whole_checkpoint(
    folder: Path, template: str = BY_ITER, newest: float = math.inf, processes: int = 1
) -> tuple[Path | None, list[Lack]]:
    """The latest checkpoint of a training that can be read.

    A run that is killed while it writes, or a full disk, leaves a file without its end.

    Args:
        folder (Path): With checkpoints: files, or the folders that DeepSpeed writes.
        template (str): Of their names. Defaults to ``'iter_{}.pth'``.
        newest (float): Those of a higher number are of an earlier training. Defaults to infinity.
        processes (int): With a part each in a folder of DeepSpeed's. Defaults to 1.

    Returns:
        tuple: The file or folder, or None where there is none; and why later ones were passed over.
    """
    numbered = sorted(
        ((number, path) for path in folder.glob('*') if (number := _number(path.name, template)) is not None),
        reverse=True,
    )
    earlier = [path.name for number, path in numbered if number > newest]
    lacks = []
    if earlier:
        reason = f'later than what {LAST} names, so of an earlier training, are {", ".join(earlier)} in {folder}'
        lacks.append(Lack(reason, is_lost=True))
    for _, path in numbered[len(earlier) :]:
        lack = _lack_of_shards(path, processes) if path.is_dir() else _lack_of_file(path)
        if lack is None:
            return path, lacks
        lacks.append(lack)
    return None, lacks


def _lack_of_file(path: Path) -> Lack | None:
    """Why a training cannot go on from a file of mmengine's; None if it can."""
    if damage := _damage(path):
        return Lack(damage, is_lost=True)
    try:
        content = read_checkpoint(path)
    except ValueError as error:
        return Lack(str(error), is_lost=False)
    if isinstance(content, dict) and 'optimizer' in content:
        return None
    return Lack(f'the checkpoint {path} has no optimizer to go on with (save_optimizer=False)', is_lost=False)


def _lack_of_shards(folder: Path, processes: int) -> Lack | None:
    """Why a training cannot go on from a folder of DeepSpeed's, with a part of each process; None if it can."""
    for rank in range(processes):
        if not any(folder.glob(f'*zero_pp_rank_{rank}_mp_rank_00_optim_states.pt')):
            return Lack(f'the checkpoint {folder} has no optimizer state of process {rank}', is_lost=True)
    for path in (folder / 'mp_rank_00_model_states.pt', *folder.glob('*.pt')):
        if damage := _damage(path):
            return Lack(damage, is_lost=True)
    return None


def _damage(path: Path) -> str | None:
    """What is wrong with an archive of torch's, of which torch itself checks no sums; None if it is whole."""
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except (OSError, zipfile.BadZipFile):
        return f'the checkpoint {path} cannot be read: it is truncated or missing'
    return f'the checkpoint {path} is damaged in {damaged}' if damaged else None
