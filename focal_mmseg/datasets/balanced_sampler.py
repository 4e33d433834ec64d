"""Sets of very different sizes, of which a training sees as many images each."""

from collections.abc import Sized
from itertools import accumulate
from typing import Any

import torch
from mmseg.registry import DATA_SAMPLERS

from .forgery_dataset import is_pristine
from .seeded_sampler import SeededInfiniteSampler


@DATA_SAMPLERS.register_module()
class BalancedSampler(SeededInfiniteSampler):
    """Takes the same number of images from each list, drawn anew for every round, as CAT-Net and TruFor do.

    A set's forged and its pristine images are a list each, told apart as ``ForgeryDataset.forged_only`` does. In every
    round each list is shuffled, its first ``num_each`` images are taken, and what was taken is shuffled together. So
    a large list is seen in parts, a small one as a whole. Where a training counts epochs, a round is one.

    Args:
        dataset (Sized): A ``ConcatDataset`` of :class:`ForgeryDataset`, or one of these.
        num_each (int, optional): Images of each list in a round, at most the size of the smallest. Defaults to that.
        **options: ``shuffle``, ``seed`` and ``seed_samples``, of :class:`SeededInfiniteSampler`.

    Raises:
        ValueError: If ``num_each`` is out of its range.

    Attributes:
        lists (list[list[int]]): Indices of each list, in the order of the sets, forged before pristine.

    Source:
        CAT-Net v2: Kwon et al., IJCV 2022.
    """

    def __init__(self, dataset: Sized, num_each: int | None = None, **options: Any) -> None:
        super().__init__(dataset, **options)
        self.lists = _lists(getattr(dataset, 'datasets', [dataset]))
        smallest = min(map(len, self.lists))
        if num_each is not None and not 1 <= num_each <= smallest:
            raise ValueError(
                f'num_each must be at least 1 and at most the size of the smallest list, {smallest}, got {num_each}; '
                f'the lists have {", ".join(str(len(each)) for each in self.lists)} images'
            )
        self.num_each = num_each or smallest
        self.size = self.num_each * len(self.lists)

    def _round(self, generator: torch.Generator) -> list[int]:
        taken: list[int] = []
        for indices in self.lists:
            order = self._order(len(indices), generator)
            taken += [indices[place] for place in order[: self.num_each]]
        return [taken[place] for place in self._order(len(taken), generator)]


def _lists(datasets: list[Any]) -> list[list[int]]:
    """The indices of each set's forged and of its pristine images, where it has any."""
    starts = [0, *accumulate(map(len, datasets))]
    lists = []
    for start, dataset in zip(starts, datasets, strict=False):
        pristine = [is_pristine(dataset.get_data_info(index)) for index in range(len(dataset))]
        for wanted in (False, True):
            lists.append([start + index for index, found in enumerate(pristine) if found is wanted])
    return [each for each in lists if each]
