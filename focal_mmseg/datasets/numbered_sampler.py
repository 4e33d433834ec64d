"""A sampler after which a resumed training goes on as if it had never stopped."""

from collections.abc import Iterator
from itertools import count

from mmengine.dataset import InfiniteSampler
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

    :class:`ForgeryDataset` draws the augmentations of a picture from these numbers alone, so that a training is the
    same for any number of workers, and one that was interrupted goes on as it would have. The order is that of
    ``InfiniteSampler``, whose arguments it has.
    """

    def __iter__(self) -> Iterator[NumberedIndex]:
        """Give indices without end."""
        for number, index in zip(count(self._given), super().__iter__(), strict=False):
            self._given = number + 1
            yield NumberedIndex(index, (self.seed, self.rank, number))

    _given = 0

    def skip(self, num_samples: int) -> None:
        """Begin after so many indices; mmengine asks for it when a training is resumed."""
        super().skip(num_samples)
        self._given = num_samples
