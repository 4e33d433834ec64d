"""Which checkpoint a training goes on from."""

import logging
import pickle
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import EpochBasedTrainLoop

from focal_mmseg.engine.hooks import AtomicCheckpointHook, ExactResumeHook
from focal_mmseg.engine.hooks.exact_resume_hook import START, resume_in_work_dir
from focal_mmseg.engine.latest_checkpoint import LAST, NOTHING_YET, counts_epochs, latest_checkpoint

WHOLE = dict(state_dict={}, optimizer={})


def runner(work_dir: Path, **hook: object) -> SimpleNamespace:
    """What is asked of a runner."""
    hooks = [AtomicCheckpointHook(**dict(dict(by_epoch=False), **hook)), ExactResumeHook()]
    cfg, logger = Config(dict(randomness=dict(seed=0))), logging.getLogger('resume')
    state = dict(_load_from=None, _resume=False, _train_loop=dict(by_epoch=hook.get('by_epoch', False)))
    return SimpleNamespace(work_dir=str(work_dir), cfg=cfg, logger=logger, hooks=hooks, **state)


def resumed(work_dir: Path, **hook: object) -> str | None:
    """The name of the checkpoint that a training goes on from."""
    own = runner(work_dir, **hook)
    resume_in_work_dir(own)
    assert own._resume == (own._load_from is not None)
    return own._load_from and Path(own._load_from).relative_to(work_dir.parent).as_posix()


@pytest.fixture
def work(tmp_path: Path) -> Path:
    (tmp_path / 'work').mkdir()
    return tmp_path / 'work'


def test_the_latest_is_the_highest_number_where_nothing_else_tells(work: Path) -> None:
    for name in ('iter_900.pth', 'iter_1000.pth', 'best_forgery_iou_iter_2000.pth', '.7.iter_4000.pth'):
        torch.save(WHOLE, work / name)
    torch.save(dict(state_dict={}), work / 'iter_3000.pth')
    found, (rejection,) = latest_checkpoint(work)
    assert found == work / 'iter_1000.pth'
    assert 'iter_3000.pth has no optimizer' in rejection.reason and not rejection.is_lost


def test_what_an_earlier_training_left_is_not_gone_on_from(work: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number in (2000, 4000, 40000):
        torch.save(WHOLE, work / f'iter_{number}.pth')
    assert resumed(work) == 'work/iter_40000.pth'
    # The folder was elsewhere then.
    (work / LAST).write_text('/scratch/work/iter_4000.pth')
    assert resumed(work) == 'work/iter_4000.pth'
    assert 'of an earlier one, are iter_40000.pth' in caplog.text
    (work / LAST).write_text(NOTHING_YET)
    assert resumed(work) is None
    assert 'iter_40000.pth, iter_4000.pth, iter_2000.pth' in caplog.text and 'it starts anew' in caplog.text
    # Version 0.3 leaves no such text, but a mark in a file of its own.
    (work / LAST).unlink()
    (work / START).write_text('{}')
    caplog.clear()
    assert resumed(work) is None
    assert 'iter_40000.pth, iter_4000.pth, iter_2000.pth' in caplog.text and 'it starts anew' in caplog.text
    (work / LAST).write_text('iter_4000.pth')
    assert resumed(work) == 'work/iter_4000.pth'
    (work / LAST).write_text('')
    assert resumed(work) == 'work/iter_40000.pth'


def test_folder_and_names_are_those_of_the_checkpoint_hook(work: Path) -> None:
    own = dict(out_dir=str(work.parent / 'scratch'), filename_tmpl='step-{}.pth')
    folder = work.parent / 'scratch' / 'work'
    folder.mkdir(parents=True)
    (work / LAST).write_text(str(folder / 'step-2.pth'))
    with pytest.raises(ValueError, match=r'names step-2\.pth; without --resume it starts anew'):
        resumed(work, **own)
    torch.save(WHOLE, folder / 'step-2.pth')
    assert resumed(work, **own) == 'scratch/work/step-2.pth'
    with pytest.raises(ValueError, match=r'names step-2.pth, which is none of default_hooks.checkpoint.filename_tmpl'):
        resumed(work)
    assert resumed(folder, by_epoch=True) is None
    torch.save(WHOLE, folder / 'epoch_3.pth')
    assert resumed(folder, by_epoch=True) == 'work/epoch_3.pth'


@pytest.mark.parametrize('damage', ['truncated', 'zeroed', 'empty'])
def test_a_damaged_file_is_passed_over(work: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    torch.save(WHOLE, work / 'iter_2.pth')
    torch.save(dict(WHOLE, state_dict=dict(weight=torch.ones(10000))), work / 'iter_4.pth')
    whole = (work / 'iter_4.pth').read_bytes()
    middle = len(whole) // 2
    zeroed = whole[:middle] + bytes(1000) + whole[middle + 1000 :]
    (work / 'iter_4.pth').write_bytes(dict(truncated=whole[:middle], zeroed=zeroed, empty=b'')[damage])
    assert resumed(work) == 'work/iter_2.pth'
    assert f'passed over: the checkpoint {work / "iter_4.pth"}' in caplog.text
    # Where there is no other, nothing is lost by starting anew.
    (work / 'iter_2.pth').unlink()
    assert resumed(work) is None


def test_what_can_be_read_but_not_gone_on_from_stops_the_training(work: Path) -> None:
    torch.save(dict(state_dict={}), work / 'iter_2.pth')
    with pytest.raises(ValueError, match='without --resume it starts anew'):
        resumed(work)
    torch.save(dict(WHOLE, code=pickle.PickleBuffer), work / 'iter_2.pth')
    with pytest.raises(ValueError, match='without --resume it starts anew'):
        resumed(work)


def test_a_training_without_a_seed_cannot_be_gone_on_with(work: Path) -> None:
    own = runner(work)
    own.cfg.randomness.seed = None
    resume_in_work_dir(own)
    torch.save(WHOLE, work / 'iter_2.pth')
    with pytest.raises(ValueError, match=r'randomness\.seed is None'):
        resume_in_work_dir(own)


@pytest.mark.parametrize(
    ('loop', 'epochs'),
    [
        (dict(by_epoch=True, max_epochs=2), True),
        (dict(type='EpochBasedTrainLoop', max_epochs=2), True),
        (dict(type=EpochBasedTrainLoop, max_epochs=2), True),
        (dict(by_epoch=False, max_iters=2), False),
        (dict(type='IterBasedTrainLoop', max_iters=2), False),
        (None, False),
    ],
)
def test_what_a_loop_counts_is_known_before_it_is_built(loop: dict | None, epochs: bool) -> None:
    assert counts_epochs(loop) == epochs
