"""Draws that depend on nothing but their numbers."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def temporary_seed(numbers: Sequence[int]) -> Iterator[None]:
    """Seed Python's, numpy's and torch's generators of the processor for the block, and leave them as they were.

    Args:
        numbers (Sequence[int]): At least 0 each; the same draws come from the same numbers.
    """
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()
    for_python, for_numpy, for_torch = (int(seed) for seed in np.random.SeedSequence(numbers).generate_state(3))
    random.seed(for_python)
    np.random.seed(for_numpy)
    torch.default_generator.manual_seed(for_torch)
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        torch.set_rng_state(before[2])
