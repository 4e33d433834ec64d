"""The same number of images from each list, round after round."""

from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmseg.registry import DATA_SAMPLERS, DATASETS

from focal_mmseg.datasets import BalancedSampler


class Listed:
    """A set of so many forged and pristine images."""

    def __init__(self, forged: int, pristine: int) -> None:
        self.infos = [dict(kind='splice', seg_map_path='mask.png')] * forged
        # A pristine image is told by its kind, or by having no mask.
        self.infos += [
            dict(kind='pristine', seg_map_path='m.png') if number % 2 else dict(kind='', seg_map_path=None)
            for number in range(pristine)
        ]

    def __len__(self) -> int:
        return len(self.infos)

    def get_data_info(self, index: int) -> dict:
        return self.infos[index]


class Joined:
    def __init__(self, *datasets: Listed) -> None:
        self.datasets = list(datasets)

    def __len__(self) -> int:
        return sum(map(len, self.datasets))


SETS = Joined(Listed(7, 4), Listed(30, 0), Listed(0, 5))
RANGES = [range(7), range(7, 11), range(11, 41), range(41, 46)]


def rounds(sampler: BalancedSampler, number: int) -> list[list[int]]:
    found = [each.index for each in islice(iter(sampler), number * len(sampler))]
    return [found[start : start + len(sampler)] for start in range(0, len(found), len(sampler))]


def test_every_round_has_as_many_of_each_list_and_none_twice() -> None:
    sampler = BalancedSampler(SETS, seed=1)
    assert sampler.lists == [list(each) for each in RANGES]
    assert sampler.num_each == 4 and len(sampler) == 16
    found = rounds(sampler, 12)
    for each in found:
        assert len(set(each)) == 16
        assert [sum(index in part for index in each) for part in RANGES] == [4] * 4
        assert each != sorted(each)
    seen = Counter(index for each in found for index in each)
    # The small list is seen whole in every round, the large one in parts.
    assert all(seen[index] == 12 for index in RANGES[1])
    assert len({tuple(sorted(set(each) & set(RANGES[2]))) for each in found}) > 6
    assert sum(seen[index] > 0 for index in RANGES[2]) > 20


@given(st.integers(0, 100), st.integers(0, 60), st.integers(1, 4))
def test_a_resumed_training_goes_on_as_it_would_have(seed: int, skipped: int, each: int) -> None:
    whole, resumed = (BalancedSampler(SETS, num_each=each, seed=seed) for _ in range(2))
    resumed.skip(skipped)
    assert list(islice(iter(resumed), 20)) == list(islice(iter(whole), skipped + 20))[skipped:]


def test_an_epoch_is_a_round_and_the_next_one_another() -> None:
    sampler = BalancedSampler(SETS, seed=1)
    sampler.end_epochs()
    epochs = []
    for epoch in range(3):
        sampler.set_epoch(epoch)
        epochs.append([each.index for each in sampler])
        assert len(epochs[-1]) == len(set(epochs[-1])) == 16
        assert [sum(index in part for index in epochs[-1]) for part in RANGES] == [4] * 4
    assert len(set(map(tuple, epochs))) == 3


def test_without_shuffling_the_first_of_each_list_come_in_order() -> None:
    assert rounds(BalancedSampler(SETS, num_each=2, shuffle=False), 2) == [[0, 1, 7, 8, 11, 12, 41, 42]] * 2


@pytest.mark.parametrize('number', [0, 5])
def test_more_than_the_smallest_list_is_refused_with_the_sizes(number: int) -> None:
    with pytest.raises(ValueError, match=r'smallest list, 4, got .*the lists have 7, 4, 30, 5 images'):
        BalancedSampler(SETS, num_each=number)


def test_of_real_sets_by_config(forged_set: Path) -> None:
    one = dict(
        type='ForgeryDataset',
        data_root=str(forged_set / 'train'),
        data_prefix=dict(img_path='images', seg_map_path='masks'),
    )
    joined = DATASETS.build(dict(type='ConcatDataset', datasets=[one, dict(one, forged_only=True)]))
    sampler = DATA_SAMPLERS.build(dict(type='BalancedSampler', dataset=joined, seed=0))
    kinds = [[joined.get_data_info(index)['kind'] for index in each] for each in sampler.lists]
    assert [set(each) for each in kinds] == [{'splice', 'copy-move'}, {'pristine'}, {'splice', 'copy-move'}]
    assert len(sampler) == 3
    alone = DATA_SAMPLERS.build(dict(type='BalancedSampler', dataset=DATASETS.build(one), seed=0))
    assert len(alone.lists) == 2
