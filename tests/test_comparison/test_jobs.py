"""Tools that are run by other tools."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from focal_mmseg.comparison import jobs
from focal_mmseg.comparison.jobs import Job, run_tool, steps_done


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Runs a training that is killed after a checkpoint, or before; the arguments that it was given."""
    (tmp_path / 'config.py').write_text('a = 1')
    folder = tmp_path / 'train'

    def run(tool: str = 'train.py', leaves: str | None = None) -> list[str]:
        given = []

        def killed(log: Path, name: str, *arguments: str, **_: object) -> None:
            given.extend(map(str, arguments))
            if leaves:
                torch.save(dict(optimizer={}), folder / leaves)
            raise RuntimeError(f'{name} was killed')

        monkeypatch.setattr(jobs, 'run_tool', killed)
        with pytest.raises(RuntimeError, match='was killed'):
            Job(tool, folder, str(tmp_path / 'config.py')).run()
        return given

    return run


def test_a_training_goes_on_from_its_own_checkpoint(begin: Callable) -> None:
    assert '--resume' not in begin()
    assert '--resume' not in begin(leaves='iter_2.pth')
    assert '--resume' in begin()


def test_a_checkpoint_without_its_end_is_not_gone_on_from(begin: Callable, tmp_path: Path) -> None:
    begin(leaves='iter_2.pth')
    whole = (tmp_path / 'train' / 'iter_2.pth').read_bytes()
    (tmp_path / 'train' / 'iter_2.pth').write_bytes(whole[: len(whole) // 2])
    assert '--resume' not in begin()


def test_a_checkpoint_of_another_config_is_not_gone_on_from(begin: Callable, tmp_path: Path) -> None:
    begin(leaves='iter_9.pth')
    (tmp_path / 'config.py').write_text('a = 2')
    os.utime(tmp_path / 'train' / 'iter_9.pth', (0, 0))
    assert '--resume' not in begin()
    assert '--resume' not in begin()
    assert '--resume' not in begin(leaves='iter_2.pth')


def test_a_test_is_done_anew(begin: Callable) -> None:
    begin('test.py', leaves='iter_2.pth')
    assert '--resume' not in begin('test.py')


def test_a_config_that_is_edited_meanwhile_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / 'config.py'
    config.write_text('a = 1')
    job = Job('test.py', tmp_path / 'test', str(config))
    monkeypatch.setattr(jobs, 'run_tool', lambda *_, **__: config.write_text('a = 2'))
    job.run()
    assert not job.is_done
    monkeypatch.setattr(jobs, 'run_tool', lambda *_, **__: None)
    job.run()
    assert job.is_done


def test_a_job_whose_config_is_broken_is_not_done_and_says_so(tmp_path: Path) -> None:
    (tmp_path / 'done.json').write_text('{}')
    (tmp_path / 'config.py').write_text('a = (')
    for config in ('config.py', 'gone.py'):
        job = Job('test.py', tmp_path, str(tmp_path / config))
        assert not job.is_done
        with pytest.raises(ValueError, match=rf'{config} cannot be read'):
            job.run()


LOG = """training: 10 of 1000, 0:03:40 left
training, loss 1.25: 120 of 1000, 1 day, 0:05:10 left; validation: 3 of 60, 0:00:09 left
"""


def test_the_last_step_of_a_log_is_told(tmp_path: Path) -> None:
    (tmp_path / 'log.txt').write_text('x' * 9000 + LOG)
    assert steps_done(tmp_path / 'log.txt') == (120, 1000)
    (tmp_path / 'log.txt').write_text(LOG.splitlines(True)[0] + 'testing: 3 of 12, 0:00:09 left\n')
    assert steps_done(tmp_path / 'log.txt') == (3, 12)
    (tmp_path / 'log.txt').write_text('')
    assert steps_done(tmp_path / 'log.txt') is None


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tool that ends once it has been looked at, with the code that it is given."""
    (tmp_path / 'tool.py').write_text(
        'import os, pathlib, sys, time\n'
        f'print({LOG!r}, os.environ.get("OMP_NUM_THREADS"), flush=True)\n'
        'while not pathlib.Path(sys.argv[1]).exists():\n    time.sleep(0.01)\n'
        'sys.exit(int(sys.argv[2]))\n'
    )
    monkeypatch.setattr(jobs, 'find_tool', lambda name: tmp_path / name)
    monkeypatch.setattr(jobs, 'PERIOD', 0.05)
    return tmp_path / 'tool.py'


def test_a_tool_is_watched_while_it_runs(tool: Path, tmp_path: Path) -> None:
    seen = []

    def watch(log: Path) -> None:
        seen.append(steps_done(log))
        if seen[-1]:
            (tmp_path / 'seen').touch()

    run_tool(tmp_path / 'log.txt', tool.name, tmp_path / 'seen', 0, threads=1, watch=watch)
    assert seen[-1] == (120, 1000) and (tmp_path / 'log.txt').read_text().endswith(' 1\n')


def test_a_tool_that_fails_or_is_stopped_names_its_log(tool: Path, tmp_path: Path) -> None:
    (tmp_path / 'seen').touch()
    with pytest.raises(RuntimeError, match=r'tool\.py ended with code 3: see .*log\.txt'):
        run_tool(tmp_path / 'log.txt', tool.name, tmp_path / 'seen', 3)

    def stop(log: Path) -> None:
        raise InterruptedError('stopped')

    with pytest.raises(InterruptedError):
        run_tool(tmp_path / 'log.txt', tool.name, tmp_path / 'never', 0, watch=stop)


def test_a_tool_that_is_nowhere_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r'tools/none\.py is neither in a clone'):
        run_tool(tmp_path / 'log.txt', 'none.py')
