"""Random draws that depend on a picture's number, not on the worker that loads it."""

import itertools
import pickle
import random

import numpy as np
import pytest
import torch
from mmengine.dataset import DefaultSampler, InfiniteSampler, pseudo_collate
from mmseg.registry import DATA_SAMPLERS, DATASETS, TRANSFORMS
from torch.utils.data import DataLoader

from focal_mmseg.datasets.numbered_sampler import NumberedIndex, NumberedSampler
from focal_mmseg.utils import drawn_from


@TRANSFORMS.register_module()
class DrawThree:
    """A transform that draws from each generator."""

    def __call__(self, results: dict) -> dict:
        drawn = random.random(), np.random.random(), torch.rand(1).item()
        return dict(picture=results['image_name'], drawn=drawn)


@pytest.fixture
def dataset(forged_set) -> dict:
    return dict(
        type='ForgeryDataset',
        data_root=str(forged_set / 'train'),
        data_prefix=dict(img_path='images', seg_map_path='masks'),
        pipeline=[dict(type='DrawThree')],
    )


def loaded(dataset: dict, workers: int, skipped: int = 0, number: int = 9) -> list[tuple]:
    built = DATASETS.build(dataset)
    sampler = DATA_SAMPLERS.build(dict(type='NumberedSampler', dataset=built, seed=3))
    if skipped:
        sampler.skip(skipped)
    loader = DataLoader(built, 3, sampler=sampler, num_workers=workers, collate_fn=pseudo_collate)
    batches = list(itertools.islice(loader, (number - skipped) // 3))
    return [tuple(each) for batch in batches for each in zip(batch['picture'], *batch['drawn'], strict=True)]


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


def test_the_order_is_that_of_mmengines_sampler() -> None:
    expected = list(itertools.islice(InfiniteSampler(range(7), seed=5), 30))
    found = list(itertools.islice(NumberedSampler(range(7), seed=5), 30))
    assert found == expected
    assert [each.numbers for each in found] == [(5, 0, number) for number in range(30)]


def test_an_index_keeps_its_numbers_on_the_way_to_a_worker_and_into_a_wrapped_set() -> None:
    index = NumberedIndex(17, (1, 2, 3))
    for each in (pickle.loads(pickle.dumps(index)), index % 5, index - 4):
        assert each.numbers == (1, 2, 3)
    assert (int(index), int(index % 5), int(index - 4)) == (17, 2, 13)


def test_draws_leave_the_generators_as_they_were() -> None:
    def draw() -> tuple:
        return random.random(), np.random.random(), torch.rand(1).item()

    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    with drawn_from((1, 2)):
        first = draw()
    with pytest.raises(ZeroDivisionError), drawn_from((1, 2)):
        again = draw()
        raise ZeroDivisionError
    with drawn_from((1, 3)):
        other = draw()
    assert first == again and not set(first) & set(other)
    assert random.getstate() == states[0] and np.random.get_state()[1].tolist() == states[1]
    assert torch.equal(torch.get_rng_state(), states[2])


def test_a_training_by_epochs_gets_each_picture_once_an_epoch_in_mmengines_order() -> None:
    sampler, theirs = NumberedSampler(range(7), seed=5), DefaultSampler(range(7), seed=5)
    sampler.end_epochs()
    seen = []
    for epoch in range(3):
        sampler.set_epoch(epoch)
        theirs.set_epoch(epoch)
        given = list(sampler)
        assert given == list(theirs) and sorted(given) == list(range(7))
        seen += [each.numbers for each in given]
    assert seen == [(5, 0, number) for number in range(21)]


def test_within_an_epoch_it_goes_on_where_it_was() -> None:
    sampler = NumberedSampler(range(7), seed=5)
    sampler.end_epochs()
    sampler.set_epoch(2)
    whole = [(int(each), each.numbers) for each in sampler]
    for skipped in (0, 3, 7, 9):
        sampler.set_epoch(2)
        sampler.skip(skipped)
        assert [(int(each), each.numbers) for each in sampler] == whole[skipped:]


def test_processes_share_an_epoch_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    given = []
    for rank in range(2):
        monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', lambda rank=rank: (rank, 2))
        sampler = NumberedSampler(range(7), seed=5)
        sampler.end_epochs()
        given.append([int(each) for each in sampler])
        assert len(sampler) == len(given[-1]) == 4
    assert {each for part in given for each in part} == set(range(7))


def test_without_numbers_it_is_mmengines_sampler() -> None:
    given = list(itertools.islice(NumberedSampler(range(7), seed=5, numbered=False), 30))
    assert given == list(itertools.islice(InfiniteSampler(range(7), seed=5), 30))
    assert {type(each) for each in given} == {int}
