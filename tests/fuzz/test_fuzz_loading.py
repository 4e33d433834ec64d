"""The campaign of damaged files, and what it says of what goes wrong."""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import fuzz_loading
import numpy as np
import pytest


def test_damaged_files_are_loaded_or_refused_by_name(run_tool: Callable, tmp_path: Path) -> None:
    out = tmp_path / 'out.json'
    run_tool(Path(fuzz_loading.__file__), '--num', '200', '--seed', '1', '--out', out)
    rows = json.loads(out.read_text())
    assert {row['outcome'] for row in rows} == {'loaded', 'refused'} and len(rows) == 200
    assert all(row['outcome'] == 'loaded' for row in rows if row['image'] == row['mask'] == 'untouched')
    assert {row['image'] for row in rows} >= {'huge', 'foreign', 'a garbled list file', 'a broken link'}


@pytest.mark.skipif(not Path('/proc/self/statm').exists(), reason='bounds the memory of a process as Linux tells it')
@pytest.mark.parametrize('fault', ['hang', 'crash'])
def test_a_set_that_hangs_or_ends_the_process_ends_the_campaign(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    wait, end = threading.Event().wait, lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    monkeypatch.setattr(fuzz_loading, 'TOO_LONG', 1)
    monkeypatch.setattr(fuzz_loading, '_outcome', (lambda *_: wait()) if fault == 'hang' else end)
    with pytest.raises(SystemExit, match='a set from number 0 on ended the process, or took more than 1 s'):
        fuzz_loading.run(3, 0)


@pytest.mark.skipif(not Path('/proc/self/statm').exists(), reason='bounds the memory of a process as Linux tells it')
def test_what_wants_too_much_memory_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz_loading, 'MOST_MEMORY', 2**26)
    monkeypatch.setattr(fuzz_loading.DATASETS, 'build', lambda config: np.ones(2**31, np.uint8))
    (row,) = fuzz_loading.run(1, 0)
    assert row['outcome'].startswith('out of memory: MemoryError: Unable to allocate')
    # OpenCV's decoders say it on the screen alone.
    monkeypatch.setattr(fuzz_loading, '_outcome', lambda *_: os.write(2, b'Insufficient memory') and 'refused')
    (row,) = fuzz_loading.run(1, 0)
    assert row['outcome'].startswith('out of memory: refused')


def test_a_growth_above_the_bound_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rows = [dict(image='huge', mask='huge', outcome='refused', seconds=0.1, peak=peak) for peak in (100, 3000)]
    monkeypatch.setattr(fuzz_loading, 'run', lambda num, seed: rows)
    monkeypatch.setattr(sys, 'argv', ['fuzz_loading.py', '--out', str(tmp_path / 'out.json')])
    with pytest.raises(SystemExit, match='grew by more than 2048 MiB'):
        fuzz_loading.main()
