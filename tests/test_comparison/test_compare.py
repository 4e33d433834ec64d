"""The jobs of a plan, some at a time, and what the screen says of them."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from focal_mmseg.comparison import compare as compare_plan
from focal_mmseg.comparison.compare import JobProgress, run_jobs
from focal_mmseg.comparison.comparison import PlannedJob
from focal_mmseg.utils import ConfigError


class FakeJob:
    """A job that does what it is told to."""

    is_done = False

    def __init__(self, does: Callable[..., None]) -> None:
        self.run = does


def planned(kind: str, name: str, does: Callable[..., None], *needs: str) -> PlannedJob:
    return PlannedJob(kind, name, lambda: FakeJob(does), frozenset(needs))


@pytest.mark.parametrize('jobs', [1, 2, 3])
def test_so_many_run_at_a_time_and_each_after_what_it_needs(jobs: int) -> None:
    lock, running, most, done = threading.Lock(), set(), [], []

    def job(kind: str, name: str, *needs: str) -> PlannedJob:
        def does(threads: int | None, watch: Callable) -> None:
            assert threads == 1 and all(f'training {each}' in done for each in needs)
            with lock:
                running.add(name)
                most.append(len(running))
            time.sleep(0.05)
            with lock:
                running.remove(name)
                done.append(f'{kind} {name}')

        return planned(kind, name, does, *needs)

    order = [
        *(job('training', 'A'), job('testing', 'A on x', 'A'), job('testing', 'A on y', 'A')),
        *(job('training', 'B'), job('testing', 'B on x', 'B'), job('testing', 'C', 'A', 'B')),
    ]
    assert run_jobs(order, jobs, threads=1) == []
    assert sorted(done) == sorted(each.title for each in order) and max(most) == min(jobs, 3)
    if jobs == 1:
        assert done == [each.title for each in order]


def test_one_that_fails_stops_no_other_but_those_that_need_it(capsys: pytest.CaptureFixture) -> None:
    done = []

    def fails(*_: object) -> None:
        raise RuntimeError('see log.txt')

    def not_there() -> None:
        raise RuntimeError('the training of A is not done')

    order = [
        planned('training', 'A', fails),
        PlannedJob('testing', 'A', not_there, frozenset('A')),
        planned('testing', 'B', lambda *_: done.append('B')),
    ]
    assert run_jobs(order) == ['training A: see log.txt', 'testing A: the training of A is not done']
    assert done == ['B'] and 'training A: see log.txt\n' in capsys.readouterr().out


def test_what_nobody_expects_ends_the_jobs_that_run(tmp_path: Path) -> None:
    ended = []

    def runs_on(threads: int | None, watch: Callable) -> None:
        try:
            while True:
                watch(tmp_path / 'log.txt')
                time.sleep(0.01)
        except InterruptedError:
            ended.append(True)
            raise

    (tmp_path / 'log.txt').write_text('')

    def breaks(*_: object) -> None:
        time.sleep(0.05)
        raise TypeError('a mistake of ours')

    with pytest.raises(TypeError, match='a mistake of ours'):
        run_jobs([planned('testing', 'A', runs_on), planned('testing', 'B', breaks)], jobs=2)
    assert ended == [True]


def test_time_left_goes_by_the_kind_and_failures_have_no_part(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    now = [0.0]
    monkeypatch.setattr(time, 'monotonic', lambda: now[0])
    kinds = ['training', 'testing', 'testing', 'training', 'testing']
    order = [planned(kind, str(number), lambda: None) for number, kind in enumerate(kinds)]
    told = JobProgress(order)
    for job, seconds, is_done in zip(order, (600, 1000, 60), (True, False, True), strict=False):
        told.begin(job)
        now[0] += seconds
        told.end(job, is_done)
    told.begin(order[3])
    assert capsys.readouterr().out.splitlines() == [
        '1 of 5: training 0',
        '2 of 5: testing 1, more than 0:10:00 left',
        '3 of 5: testing 2, more than 0:10:00 left',
        '4 of 5: training 3, about 0:11:00 left',
    ]
    now[0] += 240
    assert told.left() == 'about 0:07:00'
    now[0] += 3000
    assert told.left() == 'about 0:01:00'


def test_the_first_of_a_kind_lets_expect_what_the_others_take(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    now = [0.0]
    monkeypatch.setattr(time, 'monotonic', lambda: now[0])
    order = [planned('training', name, lambda: None) for name in 'ABC']
    told = JobProgress(order, jobs=1)
    told.begin(order[0])
    assert told.left() == ''
    now[0] = 100.0
    (tmp_path / 'log.txt').write_text('training, loss 0.5: 250 of 1000, 0:05:00 left')
    told.watch(order[0], tmp_path / 'log.txt')
    assert told.left() == 'about 0:18:20'


def test_a_plan_that_is_wrong_is_a_mistake_of_its_author(tmp_path: Path) -> None:
    (tmp_path / 'plan.yaml').write_text('title: empty')
    with pytest.raises(ConfigError, match=r'plan\.yaml: runs needs at least one model'):
        compare_plan(tmp_path / 'plan.yaml', tmp_path)
    with pytest.raises(FileNotFoundError):
        compare_plan(tmp_path / 'gone.yaml', tmp_path)
