"""Which files of a folder are images."""

import stat
import warnings
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .image_kinds import kind_of_file
from .image_size import why_not_read

# A file that is called so is taken even if it is damaged, so that its reader names it.
TAKEN_BY_NAME = ('.bmp', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp')


@dataclass
class FoundImages:
    """The images below a folder, and what else is there.

    Attributes:
        folder (Path): That was searched.
        paths (list[Path]): The images, sorted.
        left_out (Counter): Other files, counted by what they are, as ``'PSD, which is not read: save it as PNG'``.
    """

    folder: Path
    paths: list[Path] = field(default_factory=list)
    left_out: Counter = field(default_factory=Counter)

    def describe_left_out(self) -> str:
        """What was left out, in one line; '' if nothing."""
        if not self.left_out:
            return ''
        kinds = sorted(self.left_out.items(), key=lambda each: (each[0].startswith('no image'), -each[1], each[0]))
        listed = '; '.join(f'{number} {kind}' for kind, number in kinds)
        return f'left out of {self.folder}: {listed}'


def find_images(folder: Path, suffixes: Sequence[str] | None = None) -> list[Path]:
    """The images of :func:`search_images`, sorted, where nobody asks what else is there."""
    return search_images(folder, suffixes).paths


def search_images(folder: Path, suffixes: Sequence[str] | None = None, apart: Path | None = None) -> FoundImages:
    """The images below a folder, by their content, whatever their names.

    A file with an ending of ``TAKEN_BY_NAME`` belongs to them even if it is damaged, so that its reader names it. Links
    to files and to folders are followed; a folder that can be reached in several ways is searched once, by its own name
    if that is below ``folder`` too. Of a link that leads nowhere, or upwards to where it lies in, and of a folder that
    cannot be read a warning tells.

    Args:
        folder (Path): Is searched with its sub-folders. Hidden files, and those in hidden folders, count for nothing.
        suffixes (Sequence[str], optional): Endings, in any case, that alone are wanted; then nothing else counts as
            left out. Defaults to none.
        apart (Path, optional): A folder in which nothing counts, as one of results. Defaults to none.
    """
    aside = apart and apart.resolve()
    endings = None if suffixes is None else tuple(suffix.lower() for suffix in suffixes)
    found = FoundImages(folder)
    for path in sorted(_files(folder)):
        if aside and path.resolve().is_relative_to(aside):
            continue
        if endings is not None and not path.name.lower().endswith(endings):
            continue
        why = '' if endings else _why_left_out(path)
        if why:
            found.left_out[why] += 1
        else:
            found.paths.append(path)
    return found


def _why_left_out(path: Path) -> str:
    """What a file is that is left out; '' if it is taken."""
    ending = path.suffix.lower()
    if ending in TAKEN_BY_NAME:
        return ''
    kind = kind_of_file(path)
    if not kind:
        return f'no image ({ending or "without an ending"})'
    reason = why_not_read(kind)
    return f'{kind}, {reason}' if reason else ''


def _files(folder: Path) -> Iterator[Path]:
    """All files below a folder that are not hidden, in no order."""
    seen = set()
    folders, links = deque([folder]), deque[Path]()
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
