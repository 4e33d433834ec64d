"""Configs of data sets that are put together of others."""

from collections.abc import Iterator, Mapping
from typing import Any


def single_sets(dataset: Mapping[str, Any]) -> Iterator[Any]:
    """The configs of the sets that one is put together of, or itself; a repeated one counts once.

    Args:
        dataset (Mapping[str, Any]): Config of a set, or of a wrapper with ``datasets`` or ``dataset``, as mmengine's
            ConcatDataset and RepeatDataset; wrappers may hold wrappers.

    Yields:
        Any: The configs themselves, not copies.
    """
    inner = [*(dataset.get('datasets') or ()), *filter(None, [dataset.get('dataset')])]
    for each in inner:
        yield from single_sets(each)
    if not inner:
        yield dataset
