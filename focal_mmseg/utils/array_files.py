"""Arrays in NumPy's files, read without running code from them and without filling the memory."""

import math
import zipfile
from pathlib import Path
from typing import IO

import numpy as np

# As many numbers as Pillow bears pixels by its default.
MOST_VALUES = 2 * 89_478_485
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


class _TooLargeError(ValueError):
    """An array is larger than any image."""


def read_array(path: str | Path, key: str) -> np.ndarray:
    """Read one array; objects, which can run code, are refused.

    Args:
        path (str | Path): ``.npy`` or ``.npz``.
        key (str): Its name in an ``.npz``.

    Returns:
        np.ndarray: Of any shape.

    Raises:
        ValueError: If the file cannot be read, has no such array, or the array's header declares more than 179 million
            values: nothing is unpacked then. Names the file.
    """
    try:
        with Path(path).open('rb') as file:
            if not zipfile.is_zipfile(file):
                file.seek(0)
                return _read(file)
            with zipfile.ZipFile(file) as archive:
                names = [name.removesuffix('.npy') for name in archive.namelist()]
                if key in names:
                    with archive.open(f'{key}.npy') as member:
                        return _read(member)
    except _TooLargeError as error:
        raise ValueError(f'{path} declares {error}, more than any image has') from error
    except Exception as error:  # damaged bytes make numpy and zip fail in any way
        raise ValueError(f'{path} cannot be read: it is no array file, or truncated ({error})') from error
    raise ValueError(f'{path} has no array {key!r} but {", ".join(names)}: set key to the one that is meant')


def _read(stream: IO[bytes]) -> np.ndarray:
    """The array of a ``.npy`` stream that can go back to its start."""
    shape, _, kind = HEADERS[np.lib.format.read_magic(stream)](stream)
    if math.prod(shape) * kind.itemsize > MOST_VALUES * np.dtype(np.float64).itemsize:
        raise _TooLargeError(f'an array of shape {shape} of {kind}')
    stream.seek(0)
    return np.lib.format.read_array(stream, allow_pickle=False)
