"""What a run of mmengine shows on the screen: what a person needs. Its log file has everything."""

import io
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import PurePath
from typing import Any

# Below mmengine's folder: how a runner and a model are set up, and the figures of each so many steps.
MECHANICS = ('runner', '_strategy', 'logger_hook.py', 'base_module.py')
# Of these functions it tells what happens to the user's run.
TOLD = ('load_checkpoint', 'resume')
# What no user can mend, or is told in other words.
NOTICES = (
    '"FileClient" will be deprecated',
    '"HardDiskBackend" is the alias',
    'Loads checkpoint by ',
    'Could not import OneDL',
)
WARNINGS = ('The draw is False, it means that the hook',)


def calm(logger: Any) -> Any:
    """Keep off the screen what only a log file is for; warnings, errors and results stay.

    Args:
        logger (MMLogger): Of mmengine. What it writes into files stays as it is.

    Returns:
        MMLogger: The same.
    """
    for handler in logger.handlers:
        if type(handler) is logging.StreamHandler and not any(
            isinstance(each, ScreenFilter) for each in handler.filters
        ):
            handler.addFilter(ScreenFilter())
            handler.setFormatter(ScreenFormatter())
            handler.setStream(CurrentOutput())
    return logger


class ScreenFilter(logging.Filter):
    """Passes what a person needs to see."""

    def filter(self, record: logging.LogRecord) -> bool:
        """See ``logging.Filter``."""
        if record.getMessage().startswith(NOTICES):
            return False
        if record.levelno >= logging.WARNING or record.funcName in TOLD:
            return True
        parts = PurePath(record.pathname).parts
        return 'mmengine' not in parts or not set(MECHANICS).intersection(parts)


class ScreenFormatter(logging.Formatter):
    """The message alone; of warnings and errors, what they are."""

    def format(self, record: logging.LogRecord) -> str:
        """See ``logging.Formatter``."""
        said = super().format(record).lstrip('\n')
        return said if record.levelno < logging.WARNING else f'{record.levelname.lower()}: {said}'


class CurrentOutput(io.TextIOBase):
    """Whatever standard output is by now: with bars below it what is printed must not run into them."""

    def write(self, text: str) -> int:
        """See ``io.TextIOBase``."""
        return sys.stdout.write(text)

    def flush(self) -> None:
        """See ``io.TextIOBase``."""
        sys.stdout.flush()


@contextmanager
def silence_notices() -> Iterator[None]:
    """Keep off the screen the notices and warnings of the block that mmengine prints past every logger."""
    printed = io.StringIO()
    try:
        with redirect_stdout(printed), warnings.catch_warnings():
            for message in WARNINGS:
                warnings.filterwarnings('ignore', message)
            yield
    finally:
        for line in printed.getvalue().splitlines():
            if not line.startswith(NOTICES):
                print(line)
