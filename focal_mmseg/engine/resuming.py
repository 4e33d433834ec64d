"""Which checkpoint a training goes on from."""

import os
import re
import zipfile
from pathlib import Path

from .checkpoint import read_checkpoint


def whole_checkpoint(work_dir: Path) -> tuple[Path | None, list[str]]:
    """The latest checkpoint of a training that can be read.

    A run that is killed while it writes, or a full disk, leaves a file without its end.

    Args:
        work_dir (Path): With ``iter_<number>.pth`` or ``epoch_<number>.pth``: files, or the folders that DeepSpeed
            writes.

    Returns:
        tuple: The file or folder, or None where there is none; and why later ones were passed over.
    """
    numbered = [
        (int(found[1]), path)
        for path in work_dir.glob('*.pth')
        if (found := re.fullmatch(r'(?:iter|epoch)_(\d+)\.pth', path.name))
    ]
    passed = []
    for _, path in sorted(numbered, reverse=True):
        lack = _lack_of_shards(path) if path.is_dir() else _lack_of_file(path)
        if lack is None:
            return path, passed
        passed.append(lack)
    return None, passed


def _lack_of_file(path: Path) -> str | None:
    """Why a training cannot go on from a file of mmengine's; None if it can."""
    try:
        content = read_checkpoint(path)
    except ValueError as error:
        return str(error)
    if isinstance(content, dict) and 'optimizer' in content:
        return None
    return f'the checkpoint {path} has no optimizer to go on with (save_optimizer=False)'


def _lack_of_shards(folder: Path) -> str | None:
    """Why a training cannot go on from a folder of DeepSpeed's, with a part of each process; None if it can."""
    for rank in range(int(os.environ.get('WORLD_SIZE', '1'))):
        if not any(folder.glob(f'*zero_pp_rank_{rank}_mp_rank_00_optim_states.pt')):
            return f'the checkpoint {folder} has no optimizer state of process {rank}'
    for path in (folder / 'mp_rank_00_model_states.pt', *folder.glob('*.pt')):
        # The index of torch's archives is at their end.
        if not zipfile.is_zipfile(path):
            return f'the checkpoint {path} cannot be read: it is truncated or missing'
    return None
