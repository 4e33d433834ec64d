"""Files that are written whole or not at all."""

import json
import math
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LONGEST_ENDING = 16


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Give a temporary path to write to, and rename it to ``path`` at the end; on an error nothing stays behind.

    The bytes are on the disk before the name is. A process that is killed meanwhile leaves a hidden file, which
    nothing reads.

    Args:
        path (str | Path): The file to be; its folder is made.

    Yields:
        Path: In the same folder and with the same ending, so that writers which go by the ending work.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Short, because the target's name may be as long as names can be; random, because processes of several machines
    # may write into one folder.
    part = path.with_name(f'.{secrets.token_hex(8)}{path.suffix[:LONGEST_ENDING]}')
    try:
        yield part
        _bring_to_disk(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_json(path: str | Path, content: Any, indent: int | None = 2) -> None:
    """Write JSON, whole or not at all; NaN, which JSON does not have, becomes null.

    Args:
        path (str | Path): The file.
        content (Any): What ``json.dumps`` takes.
        indent (int, optional): See ``json.dumps``. Defaults to 2.
    """
    text = json.dumps(_without_nan(content), indent=indent, allow_nan=False)
    with atomic_write(path) as part:
        part.write_text(text + '\n', encoding='utf-8')


def _without_nan(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _without_nan(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_without_nan(value) for value in content]
    return None if isinstance(content, float) and math.isnan(content) else content


def _bring_to_disk(path: Path) -> None:
    """Wait until a file's bytes are on the disk; a link has none."""
    if path.is_symlink():
        return
    with path.open('rb+') as file:
        os.fsync(file.fileno())
