"""Time and memory of a call."""

import ctypes
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch

Result = TypeVar('Result')


def time_call(call: Callable[[], Result], device: torch.device, repeats: int = 1) -> tuple[Result, float]:
    """What a call gives, and the median of its seconds; on an accelerator all work is waited for."""
    seconds = []
    for _ in range(repeats):
        _wait(device)
        start = time.perf_counter()
        result = call()
        _wait(device)
        seconds.append(time.perf_counter() - start)
    return result, statistics.median(seconds)


def time_cpu(call: Callable[[], Result], device: torch.device, repeats: int = 1) -> tuple[Result, float]:
    """As :func:`time_call`, in seconds of the processor over all threads: what others run meanwhile does not count."""
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        result = call()
        seconds.append(time.process_time() - start)
    return result, statistics.median(seconds)


def time_in_turn(calls: dict[str, Callable[[], object]], device: torch.device, repeats: int) -> dict[str, float]:
    """The median seconds of each call; they take turns, so that a noisy moment is no one's alone."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            seconds[name].append(time_call(call, device)[1])
    return {name: statistics.median(found) for name, found in seconds.items()}


def _wait(device: torch.device) -> None:
    if device.type == 'cuda':
        torch.cuda.synchronize(device)


def extra_memory(call: Callable[[], Result], device: torch.device) -> tuple[Result, float | None]:
    """What a call gives, and by how many MiB it raised the peak of the memory in use.

    On a GPU this is torch's own count, on a processor the resident memory as Linux tells it, None where it does not.
    """
    if device.type == 'cuda':
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        result = call()
        return result, (torch.cuda.max_memory_allocated(device) - before) / 2**20
    reset = Path('/proc/self/clear_refs')
    if not reset.exists():
        return call(), None
    # What the allocator has kept of earlier calls would else be used unseen.
    ctypes.CDLL(None).malloc_trim(0)
    reset.write_text('5')
    before = _status('self', 'VmRSS')
    result = call()
    return result, (_status('self', 'VmHWM') - before) / 2**10


def least_extra_memory(
    call: Callable[[], Result], device: torch.device, repeats: int = 3
) -> tuple[Result, float | None]:
    """:func:`extra_memory` of several calls, the least: what other threads and the allocator take is no call's own."""
    results = [extra_memory(call, device) for _ in range(repeats)]
    memories = [memory for _, memory in results if memory is not None]
    return results[-1][0], min(memories, default=None)


def resident_mib(process: int) -> float | None:
    """The memory that another process has in use, in MiB, as Linux tells it; None where it does not, or it is gone."""
    try:
        return _status(process, 'VmRSS') / 2**10
    except (OSError, StopIteration):  # a process that has just ended has a status without it
        return None


def _status(process: int | str, name: str) -> int:
    status = Path(f'/proc/{process}/status').read_text(encoding='ascii', errors='replace')
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(name))


def all_pairs_product(vectors: torch.Tensor) -> None:
    """One product of all pairs in the vectors' precision, by tiles that are thrown away: the floor of what is exact."""
    tile = 2048 if vectors.device.type == 'cpu' else 16384
    memory = vectors.new_empty(tile, tile)
    for rows in vectors.split(tile):
        for columns in vectors.split(tile):
            torch.mm(rows, columns.T, out=memory[: len(rows), : len(columns)])
