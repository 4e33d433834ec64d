"""Which files of a folder are pictures."""

from collections.abc import Sequence
from pathlib import Path

IMAGE_SUFFIXES = ('.bmp', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp')


def find_images(folder: Path, suffixes: Sequence[str] = IMAGE_SUFFIXES) -> list[Path]:
    """The picture files below a folder, by their endings.

    Args:
        folder (Path): Is searched with its sub-folders.
        suffixes (Sequence[str]): Endings, in any case.

    Returns:
        list[Path]: Sorted. Hidden files, and those in hidden folders, are left out.
    """
    endings = tuple(suffix.lower() for suffix in suffixes)
    return [
        path
        for path in sorted(folder.rglob('*'))
        if path.name.lower().endswith(endings)
        and not any(part.startswith('.') for part in path.relative_to(folder).parts)
        and path.is_file()
    ]
