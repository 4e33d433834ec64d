"""Processes that share work on images."""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

import cv2


@contextmanager
def worker_pool(
    workers: int, initializer: Callable | None = None, initargs: tuple = ()
) -> Iterator[ProcessPoolExecutor]:
    """A pool of forked processes, each with one thread of OpenCV's; what is in memory need not be sent to them.

    OpenCV's threads do not survive a fork, and a process that has lost them waits for them forever: they are ended
    before, and start again afterwards. What is not begun when the block is left is given up.

    Args:
        workers (int): How many processes, at least 1.
        initializer (Callable, optional): Is called in each process first.
        initargs (tuple): Its arguments.
    """
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with ProcessPoolExecutor(workers, get_context('fork'), initializer, initargs) as pool:
            try:
                yield pool
            finally:
                pool.shutdown(cancel_futures=True)
    finally:
        cv2.setNumThreads(threads)
