"""Runs the same work for several images on the threads that torch has."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch
from threadpoolctl import threadpool_limits

Item = TypeVar('Item')
Result = TypeVar('Result')


def parallel_map(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """The results of some work for each item, in their order; the threads of torch are shared out among the items.

    Threads and not processes: the time is spent in matrix products and in libraries that let go of Python's lock, and
    no embedding is copied.

    Args:
        work (Callable): Of one item; whatever it raises is raised here.
        items (Sequence): What to work on.

    Returns:
        list: One result an item.
    """
    threads = torch.get_num_threads()
    workers = min(len(items), threads)
    if workers < 2:
        return [work(item) for item in items]
    each = threads // workers
    try:
        # scikit-learn limits the threads of numpy's products as it runs and puts back what it found, which in another
        # image's time is the limit: so they are limited here as a whole.
        with (
            threadpool_limits(limits=each, user_api='blas'),
            ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(each,)) as pool,
        ):
            return list(pool.map(work, items))
    finally:
        # Set in one thread, the number also holds for threads that start later.
        torch.set_num_threads(threads)
