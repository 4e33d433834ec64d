"""What of mmengine's log is on the screen."""

import logging
import sys
import warnings
from pathlib import Path

import pytest
from mmengine.hooks import logger_hook
from mmengine.logging import MMLogger, print_log
from mmengine.model import base_module
from mmengine.runner import runner

from focal_mmseg.utils.screen import calm, silence_notices


@pytest.fixture
def logger(tmp_path: Path) -> MMLogger:
    return calm(calm(MMLogger.get_instance(tmp_path.name, log_file=str(tmp_path / 'log'))))


def tell(logger: MMLogger, path: str, function: str, text: str, level: int = logging.INFO) -> None:
    logger.handle(logging.LogRecord('mmengine', level, path, 1, text, (), None, function))


def test_the_screen_has_what_a_person_needs_and_the_file_everything(
    logger: MMLogger, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    for module in (logger_hook, runner, base_module):
        tell(logger, module.__file__, '__init__', 'mechanics')
    for text in ('"FileClient" will be deprecated in future', 'Loads checkpoint by local backend'):
        print_log(text, logger, logging.WARNING)
    assert not capsys.readouterr().out
    tell(logger, runner.__file__, 'resume', 'resumed')
    tell(logger, runner.__file__, '__init__', 'mind this', logging.WARNING)
    tell(logger, __file__, 'compute_metrics', '\n+--+\n|IoU|')
    assert capsys.readouterr().out == 'resumed\nwarning: mind this\n+--+\n|IoU|\n'
    kept = (tmp_path / 'log').read_text()
    assert kept.count('mechanics') == 3 and 'FileClient' in kept and 'IoU' in kept


def test_notices_past_every_logger_are_silent_and_the_rest_is_printed(capsys: pytest.CaptureFixture) -> None:
    with pytest.warns(UserWarning, match='mind this'), pytest.raises(KeyError), silence_notices():
        print('Loads checkpoint by local backend from path: a.pth')
        print('The model and loaded state dict do not match exactly')
        print('to the other', file=sys.stderr)
        warnings.warn('The draw is False, it means that the hook for visualization will not take effect.', stacklevel=1)
        warnings.warn('mind this', stacklevel=1)
        raise KeyError
    said = capsys.readouterr()
    assert said.out == 'The model and loaded state dict do not match exactly\n' and said.err == 'to the other\n'
