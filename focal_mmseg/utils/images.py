"""Which files of a folder are pictures."""

import stat
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

IMAGE_SUFFIXES = ('.bmp', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp')


def find_images(folder: Path, suffixes: Sequence[str] = IMAGE_SUFFIXES) -> list[Path]:
    """The picture files below a folder, by their endings.

    Links to files and to folders are followed; a folder that can be reached in several ways is searched once, by its
    own name if that is below ``folder`` too. Of a link that leads nowhere, or upwards to where it lies in, and of a
    folder that cannot be read a warning tells.

    Args:
        folder (Path): Is searched with its sub-folders.
        suffixes (Sequence[str]): Endings, in any case.

    Returns:
        list[Path]: Sorted. Hidden files, and those in hidden folders, are left out.
    """
    endings = tuple(suffix.lower() for suffix in suffixes)
    return sorted(path for path in _files(folder) if path.name.lower().endswith(endings))


def _files(folder: Path) -> Iterator[Path]:
    """All files below a folder that are not hidden, in no order."""
    seen = set()
    folders, links = deque([folder]), deque()
    while folders or links:
        # Links last, so that what they lead to has its own name where it has one.
        current = folders.popleft() if folders else links.popleft()
        try:
            place = current.stat()
            paths = [] if (place.st_dev, place.st_ino) in seen else sorted(current.iterdir())
        except OSError as error:
            warnings.warn(f'left out: the folder {current} cannot be read: {error.strerror}', stacklevel=3)
            continue
        seen.add((place.st_dev, place.st_ino))
        for path in paths:
            mode = 0 if path.name.startswith('.') else _mode(path)
            if stat.S_ISDIR(mode) and not path.is_symlink():
                folders.append(path)
            elif stat.S_ISDIR(mode) and folder.resolve().is_relative_to(path.resolve()):
                # Else a link to / would have everything searched that there is.
                warnings.warn(f'left out: {path} leads to a folder that it lies in', stacklevel=3)
            elif stat.S_ISDIR(mode):
                links.append(path)
            elif stat.S_ISREG(mode):
                yield path


def _mode(path: Path) -> int:
    """What a path leads to; 0, with a warning, if to nothing."""
    try:
        return path.stat().st_mode
    except OSError as error:
        warnings.warn(f'left out: {path} leads nowhere, or cannot be read: {error.strerror}', stacklevel=4)
        return 0
