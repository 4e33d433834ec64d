"""Random draws that follow from a sample's seed, not from the worker that loads it."""

import itertools
import pickle
import random

import numpy as np
import pytest
import torch
from mmengine.dataset import DefaultSampler, InfiniteSampler, pseudo_collate
from mmseg.registry import DATA_SAMPLERS, DATASETS, TRANSFORMS
from torch.utils.data import DataLoader, Dataset, Subset

from focal_mmseg.datasets.seeded_sampler import SeededInfiniteSampler, SeededItems, SeededSample
from focal_mmseg.utils import temporary_seed


@TRANSFORMS.register_module()
class DrawThree:
    """A transform that draws from each generator."""

    def __call__(self, results: dict) -> dict:
        drawn = random.random(), np.random.random(), torch.rand(1).item()
        return dict(image_name=results['image_name'], drawn=drawn)


@pytest.fixture
def dataset(forged_set) -> dict:
    return dict(
        type='ForgeryDataset',
        data_root=str(forged_set / 'train'),
        data_prefix=dict(img_path='images', seg_map_path='masks'),
        pipeline=[dict(type='DrawThree')],
    )


class Numbers(Dataset):
    """So many samples, each its index with a number drawn."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> tuple[int, float]:
        return index, random.random()


def sampler_of(size: int, **options: object) -> SeededInfiniteSampler:
    return SeededInfiniteSampler(Numbers(size), seed=5, **options)


def loaded(dataset: dict, workers: int, skipped: int = 0, number: int = 9) -> list[tuple]:
    built = DATASETS.build(dataset)
    sampler = DATA_SAMPLERS.build(dict(type='SeededInfiniteSampler', dataset=built, seed=3))
    if skipped:
        sampler.skip(skipped)
    loader = DataLoader(built, 3, sampler=sampler, num_workers=workers, collate_fn=pseudo_collate)
    batches = list(itertools.islice(loader, (number - skipped) // 3))
    return [tuple(each) for batch in batches for each in zip(batch['image_name'], *batch['drawn'], strict=True)]


@pytest.mark.parametrize(
    'wrapped',
    [
        lambda each: each,
        lambda each: dict(type='RepeatDataset', times=3, dataset=each),
        lambda each: dict(type='ConcatDataset', datasets=[each, dict(each, dataset_name='again')]),
    ],
)
def test_draws_are_the_same_for_any_number_of_workers_and_after_skipping(dataset: dict, wrapped) -> None:
    dataset = wrapped(dataset)
    alone = loaded(dataset, 0)
    assert len({each[1:] for each in alone}) == len(alone) == 9
    assert loaded(dataset, 2) == alone
    assert loaded(dataset, 0, skipped=3) == loaded(dataset, 2, skipped=3) == alone[3:]


def test_a_sample_draws_what_its_seed_says_whatever_was_drawn_before(dataset: dict) -> None:
    for place, (_, *drawn) in enumerate(loaded(dataset, 2)):
        with temporary_seed((3, 0, place)):
            assert drawn == [random.random(), np.random.random(), torch.rand(1).item()]


def test_workers_that_are_started_anew_know_the_seeds_too() -> None:
    # Not forked: the data set goes to them in bytes.
    numbers = pickle.loads(pickle.dumps(sampler_of(4).dataset))
    assert isinstance(numbers.__getitems__, SeededItems) and numbers.__getitems__.dataset is numbers
    one, again, other = numbers.__getitems__(
        [SeededSample(2, (1, 2)), SeededSample(2, (1, 2)), SeededSample(2, (1, 3))]
    )
    assert one == again and one[0] == other[0] == 2 and one[1] != other[1]


def test_a_set_that_is_also_read_by_plain_indices_draws_as_it_did() -> None:
    numbers = sampler_of(4).dataset
    random.seed(1)
    expected = random.random()
    random.seed(1)
    assert Subset(numbers, [3]).__getitems__([0]) == [(3, expected)]


def test_what_cannot_be_seeded_is_refused() -> None:
    with pytest.raises(TypeError, match=r'cannot seed the samples of a list: .* sampler\.seed_samples=False'):
        SeededInfiniteSampler([1, 2, 3], seed=5)
    assert len(SeededInfiniteSampler([1, 2, 3], seed=5, seed_samples=False)) == 3


def test_the_order_is_that_of_mmengines_sampler() -> None:
    expected = list(itertools.islice(InfiniteSampler(range(7), seed=5), 30))
    found = list(itertools.islice(sampler_of(7), 30))
    assert found == [SeededSample(index, (5, 0, place)) for place, index in enumerate(expected)]
    in_order = list(itertools.islice(sampler_of(7, shuffle=False), 9))
    assert [each.index for each in in_order] == [*range(7), 0, 1]


def test_draws_leave_the_generators_as_they_were() -> None:
    def draw() -> tuple:
        return random.random(), np.random.random(), torch.rand(1).item()

    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    with temporary_seed((1, 2)):
        first = draw()
    with pytest.raises(ZeroDivisionError), temporary_seed((1, 2)):
        again = draw()
        raise ZeroDivisionError
    with temporary_seed((1, 3)):
        other = draw()
    assert first == again and not set(first) & set(other)
    assert random.getstate() == states[0] and np.random.get_state()[1].tolist() == states[1]
    assert torch.equal(torch.get_rng_state(), states[2])


def test_a_training_by_epochs_gets_each_image_once_an_epoch_in_mmengines_order() -> None:
    sampler, theirs = sampler_of(7), DefaultSampler(range(7), seed=5)
    sampler.end_epochs()
    seeds = []
    for epoch in range(3):
        sampler.set_epoch(epoch)
        theirs.set_epoch(epoch)
        given = list(sampler)
        assert [each.index for each in given] == list(theirs)
        assert sorted(each.index for each in given) == list(range(7))
        seeds += [each.seed for each in given]
    assert seeds == [(5, 0, place) for place in range(21)]


def test_within_an_epoch_it_goes_on_where_it_was() -> None:
    sampler = sampler_of(7)
    sampler.end_epochs()
    sampler.set_epoch(2)
    whole = list(sampler)
    for skipped in (0, 3, 7, 9):
        sampler.set_epoch(2)
        sampler.skip(skipped)
        assert list(sampler) == whole[skipped:]


@pytest.mark.parametrize(('size', 'processes'), [(7, 2), (2, 5), (6, 3)])
def test_processes_share_an_epoch_evenly(monkeypatch: pytest.MonkeyPatch, size: int, processes: int) -> None:
    given = []
    for rank in range(processes):
        monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', lambda rank=rank: (rank, processes))
        sampler = sampler_of(size)
        sampler.end_epochs()
        given.append([each.index for each in sampler])
        assert given[-1] == list(DefaultSampler(range(size), seed=5))
        assert len(sampler) == len(given[-1]) == -(-size // processes)
    assert {each for part in given for each in part} == set(range(size))


def test_without_seeds_it_is_mmengines_sampler() -> None:
    given = list(itertools.islice(sampler_of(7, seed_samples=False), 30))
    assert given == list(itertools.islice(InfiniteSampler(range(7), seed=5), 30))
    assert {type(each) for each in given} == {int}
    assert not hasattr(sampler_of(7, seed_samples=False).dataset, '__getitems__')
