"""Arguments of command lines."""

import argparse


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
