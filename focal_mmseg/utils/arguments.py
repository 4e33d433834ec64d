"""Command lines: their arguments, and how they end."""

import argparse
import re
import sys
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path

from .configs import ConfigError
from .devices import require_device

# What a shell gives a command that Ctrl-C ended: 128 and the number of the signal.
INTERRUPTED = 130
# What a tool is called, where it is not a script of its own: 'focal-mmseg predict'.
CALLED_AS: ContextVar[str | None] = ContextVar('CALLED_AS', default=None)


def run_command(main: Callable[[], object]) -> None:
    """Run a command; what its user can mend ends it with one line that says how, without a traceback.

    Args:
        main (Callable): The command.

    Raises:
        SystemExit: If a file or folder is missing, or the config or an option asks for what cannot be; with the code
            that shells have for it if it was interrupted.
    """
    try:
        main()
    except KeyboardInterrupt:
        print(f'{CALLED_AS.get() or Path(sys.argv[0]).name}: stopped', file=sys.stderr)
        sys.exit(INTERRUPTED)
    except (FileNotFoundError, ConfigError) as error:
        sys.exit(f'{CALLED_AS.get() or Path(sys.argv[0]).name}: {error}')


def command_parser(doc: str) -> argparse.ArgumentParser:
    """A parser whose help is a tool's docstring, with its examples as the tool was called.

    Args:
        doc (str): Of the tool. Called by ``focal-mmseg NAME`` its examples say so in place of ``python tools/NAME.py``.

    Returns:
        argparse.ArgumentParser: Without arguments yet.
    """
    called_as = CALLED_AS.get()
    if called_as is not None:
        doc = re.sub(r'(torchrun .*?)tools/(\w+)\.py', r'\1-m focal_mmseg \2', doc)
        doc = re.sub(r'(?:python )?tools/(\w+)\.py', lambda found: f'focal-mmseg {found[1].replace("_", "-")}', doc)
        doc = doc.replace('python -m focal_mmseg.app', 'focal-mmseg serve')
    kind = argparse.RawDescriptionHelpFormatter
    return argparse.ArgumentParser(prog=called_as, description=doc, formatter_class=kind)


def device_name(text: str) -> str:
    """An ``argparse`` type for a device of torch's.

    Raises:
        argparse.ArgumentTypeError: If there is none of that name.
    """
    try:
        return require_device(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def positive_int(text: str) -> int:
    """An ``argparse`` type for counts and sizes.

    Raises:
        argparse.ArgumentTypeError: If the text is no whole number of at least 1.
    """
    return _whole_number(text, 1)


def count(text: str) -> int:
    """An ``argparse`` type for how many, where none is allowed.

    Raises:
        argparse.ArgumentTypeError: If the text is no whole number of at least 0.
    """
    return _whole_number(text, 0)


def share(text: str) -> float:
    """An ``argparse`` type for a share.

    Raises:
        argparse.ArgumentTypeError: If the text is no number in 0..1.
    """
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f'must be a number in 0..1, got {text!r}')
    return value


def _whole_number(text: str, least: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise argparse.ArgumentTypeError(f'must be a whole number of at least {least}, got {text!r}')
    return value
