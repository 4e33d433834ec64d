"""Command lines: their arguments, and how they end."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path


def run_command(main: Callable[[], object]) -> None:
    """Run a command; a file or folder that is missing ends it with one line that names it, without a traceback.

    Args:
        main (Callable): The command.

    Raises:
        SystemExit: If something is missing.
    """
    try:
        main()
    except FileNotFoundError as error:
        sys.exit(f'{Path(sys.argv[0]).name}: {error}')


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


def _whole_number(text: str, least: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise argparse.ArgumentTypeError(f'must be a whole number of at least {least}, got {text!r}')
    return value
