"""A sampler after which a resumed training goes on as if it had never stopped."""

import math
from collections.abc import Iterator, Sized
from itertools import count, islice

from mmengine.dataset import DefaultSampler, InfiniteSampler
from mmseg.registry import DATA_SAMPLERS


class NumberedIndex(int):
    """The index of a picture, with the numbers that its random draws come from.

    The arithmetic of mmengine's ConcatDataset and RepeatDataset keeps the numbers.

    Attributes:
        numbers (tuple[int, ...]): For :func:`drawn_from`.
    """

    numbers: tuple[int, ...]

    def __new__(cls, index: int, numbers: tuple[int, ...]) -> 'NumberedIndex':
        """An index that is also an int."""
        made = super().__new__(cls, index)
        made.numbers = numbers
        return made

    def __mod__(self, other: int) -> 'NumberedIndex':
        return NumberedIndex(int(self) % other, self.numbers)

    def __sub__(self, other: int) -> 'NumberedIndex':
        return NumberedIndex(int(self) - other, self.numbers)

    def __reduce__(self) -> tuple:
        return NumberedIndex, (int(self), self.numbers)


@DATA_SAMPLERS.register_module()
class NumberedSampler(InfiniteSampler):
    """mmengine's ``InfiniteSampler`` that also numbers what it gives: seed, process, and how many came before.

    :class:`ForgeryDataset` draws the augmentations of an image from these numbers alone, so that a training is the
    same for any number of workers, and one that was interrupted goes on as it would have. The order is that of
    ``InfiniteSampler``, and without end, until :meth:`end_epochs` is called: then each iteration is one epoch, in the
    order of mmengine's ``DefaultSampler``. :class:`SamplerHook` calls it where a training counts epochs.

    Args:
        dataset (Sized): The data set.
        shuffle (bool): Defaults to True.
        seed (int, optional): Of the order. None draws one. Defaults to None.
        numbered (bool): False gives plain indices, with which each worker draws from its own generator, as with
            ``InfiniteSampler``. Defaults to True.
    """

    def __init__(self, dataset: Sized, shuffle: bool = True, seed: int | None = None, numbered: bool = True) -> None:
        super().__init__(dataset, shuffle, seed)
        self.numbered = numbered
        self._epochs: DefaultSampler | None = None
        self._given = 0
        self._skipped = 0

    def __iter__(self) -> Iterator[int]:
        """Give indices: without end, or those of an epoch."""
        order = super().__iter__() if self._epochs is None else islice(iter(self._epochs), self._skipped, None)
        for number, index in zip(count(self._given), order, strict=False):
            self._given = number + 1
            yield NumberedIndex(index, (self.seed, self.rank, number)) if self.numbered else index

    def __len__(self) -> int:
        """How many indices an epoch has for this process."""
        return math.ceil(self.size / self.world_size)

    def end_epochs(self) -> None:
        """From here on an iteration ends with the epoch that :meth:`set_epoch` names."""
        self._epochs = DefaultSampler(self.dataset, self.shuffle, self.seed)

    def set_epoch(self, epoch: int) -> None:
        """Name the epoch that the next iteration gives; without :meth:`end_epochs` it means nothing."""
        if self._epochs is not None:
            self._epochs.set_epoch(epoch)
            self._skipped, self._given = 0, epoch * len(self)

    def skip(self, num_samples: int) -> None:
        """Begin after so many indices of the stream, or of the epoch, when a training is resumed."""
        if self._epochs is None:
            super().skip(num_samples)
            self._given = num_samples
        else:
            self._skipped = num_samples
            self._given += num_samples
