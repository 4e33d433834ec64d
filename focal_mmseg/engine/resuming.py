"""Which checkpoint a training goes on from."""

import re
from pathlib import Path

from .checkpoint import read_checkpoint


def whole_checkpoint(work_dir: Path) -> tuple[Path | None, list[str]]:
    """The latest checkpoint of a training that can be read.

    A run that is killed while it writes, or a full disk, leaves a file without its end.

    Args:
        work_dir (Path): With ``iter_<number>.pth`` or ``epoch_<number>.pth`` files.

    Returns:
        tuple: The file, or None where there is none; and why later ones were passed over.
    """
    numbered = [
        (int(found[1]), path)
        for path in work_dir.glob('*.pth')
        if (found := re.fullmatch(r'(?:iter|epoch)_(\d+)\.pth', path.name))
    ]
    passed = []
    for _, path in sorted(numbered, reverse=True):
        try:
            content = read_checkpoint(path)
        except ValueError as error:
            passed.append(str(error))
            continue
        if isinstance(content, dict) and 'optimizer' in content:
            return path, passed
        passed.append(f'the checkpoint {path} has no optimizer to go on with (save_optimizer=False)')
    return None, passed
