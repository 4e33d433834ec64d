"""Data sets that are put together of others, as configs and built."""

from collections.abc import Iterator, Mapping
from typing import Any


def iter_dataset_configs(dataset: Mapping[str, Any]) -> Iterator[Any]:
    """The configs of the sets that one is put together of, or itself; a repeated one counts once.

    Args:
        dataset (Mapping[str, Any]): Config of a set, or of a wrapper with ``datasets`` or ``dataset``, as mmengine's
            ConcatDataset and RepeatDataset; wrappers may hold wrappers.

    Yields:
        Any: The configs themselves, not copies.
    """
    inner = [*(dataset.get('datasets') or ()), *filter(None, [dataset.get('dataset')])]
    for each in inner:
        yield from iter_dataset_configs(each)
    if not inner:
        yield dataset


def iter_datasets(dataset: Any) -> Iterator[Any]:
    """The data sets that a built one is put together of, or itself; the counterpart of :func:`iter_dataset_configs`.

    Args:
        dataset (Any): As ``Runner.build_dataloader`` makes it of a config.

    Yields:
        Any: The data sets.
    """
    inner = [*getattr(dataset, 'datasets', ()), *([dataset.dataset] if hasattr(dataset, 'dataset') else ())]
    for each in inner:
        yield from iter_datasets(each)
    if not inner:
        yield dataset
