"""What a training logged of its steps."""

import json
from pathlib import Path


def read_training_log(folder: Path) -> list[dict[str, float]]:
    """The logged steps of a training, also of one that was interrupted and went on, or was begun anew.

    Args:
        folder (Path): Its ``--work-dir``.

    Returns:
        list[dict[str, float]]: In their order, with ``iter``, ``loss``, ``time`` in seconds and more; empty where
        nothing was logged.
    """
    steps: list[dict[str, float]] = []
    for log in sorted(folder.glob('*/vis_data/scalars.json')):
        # A validation writes its metrics into the same file.
        own = [row for line in log.read_text(encoding='utf-8').splitlines() if 'loss' in (row := _row(line))]
        # What an earlier run did from there on was done again.
        steps = [row for row in steps if not own or row['iter'] < own[0]['iter']] + own
    return steps


def _row(line: str) -> dict[str, float]:
    """A line of the log; nothing of the last line of a killed training, which may lack its end."""
    try:
        return json.loads(line)
    except ValueError:
        return {}
