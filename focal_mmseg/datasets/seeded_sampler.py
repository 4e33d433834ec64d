"""A sampler that gives each sample a seed of its own, so that a resumed training goes on as if it had never stopped."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from mmengine.dataset import InfiniteSampler
from mmseg.registry import DATA_SAMPLERS

from focal_mmseg.utils import temporary_seed


@dataclass(frozen=True)
class SeededSample:
    """What the sampler asks the data set for.

    Attributes:
        index (int): Of the sample in the data set.
        seed (tuple[int, ...]): What its random draws come from, for :func:`temporary_seed`.
    """

    index: int
    seed: tuple[int, ...]


class SeededItems:
    """Reads the samples of a batch, each under its own seed.

    It stands as ``__getitems__`` of the outermost data set, which torch's loaders call, where there is one, with what
    the sampler gave for a batch. So a data set, those it wraps and their transforms know nothing of seeds.

    Args:
        dataset (Any): Takes an index in square brackets.
    """

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __call__(self, batch: Sequence[SeededSample | int]) -> list[Any]:
        """The samples of a batch; a plain index draws from the generators as they are."""
        return [self._item(each) for each in batch]

    def _item(self, sample: SeededSample | int) -> Any:
        if not isinstance(sample, SeededSample):
            return self.dataset[sample]
        with temporary_seed(sample.seed):
            return self.dataset[sample.index]


@DATA_SAMPLERS.register_module()
class SeededInfiniteSampler(InfiniteSampler):
    """mmengine's ``InfiniteSampler`` that also gives each sample a seed: the run's, the process, how many came before.

    All random draws for a sample come from its seed alone, so that a training is the same for any number of workers,
    and one that was interrupted goes on as it would have. It holds for every data set and wrapper, as ``ConcatDataset``
    and ``RepeatDataset``: the sampler gives the outermost one a :class:`SeededItems`.

    The order is that of ``InfiniteSampler``, and without end, until :meth:`end_epochs` is called: then each iteration
    is one epoch, in the order of mmengine's ``DefaultSampler``. :class:`ExactResumeHook` calls it where a training
    counts epochs.

    Args:
        dataset (Any): The data set, the same object that the loader reads.
        shuffle (bool): Defaults to True.
        seed (int, optional): Of the run. None draws one. Defaults to None.
        seed_samples (bool): False gives plain indices, with which each worker draws from its own generator, as with
            ``InfiniteSampler``. Defaults to True.

    Raises:
        TypeError: If the data set takes no attribute, as a list.
    """

    def __init__(self, dataset: Any, shuffle: bool = True, seed: int | None = None, seed_samples: bool = True) -> None:
        super().__init__(dataset, shuffle, seed)
        self.seed_samples = seed_samples
        self._ends_epochs = False
        self._epoch = 0
        self._skipped = 0
        self._given = 0
        if not seed_samples:
            return
        try:
            dataset.__getitems__ = SeededItems(dataset)
        except AttributeError as error:
            raise TypeError(
                f'{type(self).__name__} cannot seed the samples of a {type(dataset).__name__}: make it a class of its '
                'own, as torch.utils.data.Dataset, or set sampler.seed_samples=False'
            ) from error

    def __iter__(self) -> Iterator[Any]:
        """Give samples, or plain indices without ``seed_samples``: without end, or those of an epoch."""
        for index in self._epoch_indices() if self._ends_epochs else self.indices:
            seed = (self.seed, self.rank, self._given)
            self._given += 1
            yield SeededSample(index, seed) if self.seed_samples else index

    def __len__(self) -> int:
        """How many samples an epoch has for this process."""
        return math.ceil(self.size / self.world_size)

    def end_epochs(self) -> None:
        """From here on an iteration ends with the epoch that :meth:`set_epoch` names."""
        self._ends_epochs = True

    def set_epoch(self, epoch: int) -> None:
        """Name the epoch that the next iteration gives; without :meth:`end_epochs` it means nothing."""
        if self._ends_epochs:
            self._epoch, self._skipped, self._given = epoch, 0, epoch * len(self)

    def skip(self, num_samples: int) -> None:
        """Begin after so many samples of the stream, or of the epoch, when a training is resumed."""
        if self._ends_epochs:
            self._skipped = num_samples
            self._given += num_samples
        else:
            super().skip(num_samples)
            self._given = num_samples

    def _infinite_indices(self) -> Iterator[int]:
        """The indices of round after round, of all processes."""
        generator = torch.Generator()
        generator.manual_seed(self.seed)
        while True:
            yield from self._round(generator)

    def _epoch_indices(self) -> Iterator[int]:
        """The indices of one round for this process, as many for each, without those that are skipped."""
        generator = torch.Generator()
        generator.manual_seed(self.seed + self._epoch)
        order = self._round(generator)
        total = len(self) * self.world_size
        padded = (order * math.ceil(total / len(order)))[:total]
        return islice(padded[self.rank :: self.world_size], self._skipped, None)

    def _round(self, generator: torch.Generator) -> list[int]:
        """What is given before anything is given again."""
        return self._order(self.size, generator)

    def _order(self, size: int, generator: torch.Generator) -> list[int]:
        return torch.randperm(size, generator=generator).tolist() if self.shuffle else list(range(size))
