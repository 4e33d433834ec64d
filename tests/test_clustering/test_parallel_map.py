import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info

from focal_mmseg.clustering.parallel_map import parallel_map


@pytest.fixture(params=[1, 2, 5])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def threads_of_a_new_thread() -> int:
    found = []
    thread = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    return found[0]


def blas_threads() -> list[int]:
    return [library['num_threads'] for library in threadpool_info() if library['user_api'] == 'blas']


@pytest.mark.parametrize('count', [0, 1, 2, 7])
def test_results_come_in_the_order_of_the_items(threads: int, count: int) -> None:
    def work(item: int) -> int:
        time.sleep(0.02 * (item % 3 == 0))
        return item * item

    assert parallel_map(work, range(count)) == [item * item for item in range(count)]


def test_threads_are_shared_out_and_given_back(threads: int) -> None:
    before = threads_of_a_new_thread(), blas_threads()
    seen = parallel_map(lambda _: (threading.get_ident(), torch.get_num_threads()), range(4))
    workers = min(4, threads)
    assert {each for _, each in seen} == {threads // workers}
    assert len({ident for ident, _ in seen}) <= workers
    assert torch.get_num_threads() == threads
    assert (threads_of_a_new_thread(), blas_threads()) == before


def test_items_run_at_the_same_time() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        meeting = threading.Barrier(2, timeout=20)
        assert sorted(parallel_map(lambda _: meeting.wait(), range(2))) == [0, 1]
    finally:
        torch.set_num_threads(before)


def test_what_an_item_raises_is_raised_and_the_threads_are_given_back(threads: int) -> None:
    before = blas_threads()
    with pytest.raises(ZeroDivisionError):
        parallel_map(lambda item: 1 / item, [2, 1, 0])
    assert (torch.get_num_threads(), blas_threads()) == (threads, before)


def test_products_of_numpy_are_the_same_afterwards() -> None:
    factor = np.random.default_rng(0).normal(size=(300, 300))
    alone = factor @ factor
    for found in parallel_map(lambda _: factor @ factor, range(3)):
        np.testing.assert_allclose(found, alone, rtol=1e-10)
