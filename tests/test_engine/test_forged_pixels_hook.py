"""A training that sees no forgeries is told of."""

import logging
from types import SimpleNamespace

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from focal_mmseg.engine import ForgedPixelsHook


def batch(*values: int) -> dict:
    """Two images, the second with these labels."""
    labels = [torch.zeros(1, 4, 4, dtype=torch.int64), torch.tensor(values)[None, :, None]]
    return dict(data_samples=[SegDataSample(gt_sem_seg=PixelData(data=each)) for each in labels])


@pytest.fixture
def runner() -> SimpleNamespace:
    return SimpleNamespace(logger=logging.getLogger('forged-pixels'))


def said(hook: ForgedPixelsHook, runner: SimpleNamespace, batches: list, caplog: pytest.LogCaptureFixture) -> list[str]:
    caplog.clear()
    for number, each in enumerate(batches):
        hook.before_train_iter(runner, number, each)
    return [record.message for record in caplog.records]


def test_fifty_steps_without_a_forged_pixel_are_told_of_once(runner, caplog: pytest.LogCaptureFixture) -> None:
    hook = ForgedPixelsHook()
    hook.before_train(runner)
    assert not said(hook, runner, [batch(0, 0)] * 49, caplog)
    (message,) = said(hook, runner, [batch(0, 0)] * 60, caplog)
    assert message.startswith('50 steps in a row without a forged pixel') and 'mask_threshold' in message


def test_masks_in_black_and_white_are_named_as_the_cause(runner, caplog: pytest.LogCaptureFixture) -> None:
    (message,) = said(ForgedPixelsHook(3), runner, [batch(0, 255), batch(0, 0), batch(0, 0)], caplog)
    assert 'LoadForgeryMask in the place of LoadAnnotations' in message


def test_one_forged_pixel_begins_the_count_anew(runner, caplog: pytest.LogCaptureFixture) -> None:
    hook = ForgedPixelsHook(3)
    for _ in range(3):
        assert not said(hook, runner, [batch(0, 0), batch(0, 0), batch(0, 1)], caplog)
    assert len(said(hook, runner, [batch(0, 0)] * 3, caplog)) == 1


def test_batches_without_masks_are_none_of_its_business(runner, caplog: pytest.LogCaptureFixture) -> None:
    assert not said(ForgedPixelsHook(1), runner, [dict(inputs=[]), None, dict(data_samples=[SegDataSample()])], caplog)


def test_less_than_a_step_is_refused() -> None:
    with pytest.raises(ValueError, match='steps must be at least 1, got 0'):
        ForgedPixelsHook(0)
