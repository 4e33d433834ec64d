"""Which file of a folder is an image's mask."""

from collections.abc import Collection, Iterable
from functools import cached_property
from pathlib import Path, PurePosixPath

from focal_mmseg.utils import image_ending, search_images

LISTED = 3


def image_stem(name: str) -> str:
    """An image's name without its ending; of one without, as ``IMG.2024``, the name itself.

    >>> image_stem('splice/a.b.JPG'), image_stem('IMG.2024')
    ('splice/a.b', 'IMG.2024')
    """
    return name.removesuffix(image_ending(name))


class MaskFolder:
    """A folder of masks that are called as their images are, with another ending; its case does not matter.

    Args:
        folder (Path): Below which a mask has its image's relative name.
        suffix (str): What a mask's name has in place of the image's ending.
    """

    def __init__(self, folder: Path, suffix: str) -> None:
        self.folder = folder
        self.suffix = suffix

    @cached_property
    def names(self) -> list[str]:
        """The files that may be masks, relative to the folder."""
        return [path.relative_to(self.folder).as_posix() for path in search_images(self.folder).paths]

    @cached_property
    def _stem_masks(self) -> dict[str, list[str]]:
        """The masks by what stands before the suffix."""
        found: dict[str, list[str]] = {}
        for name in self.names:
            if name.lower().endswith(self.suffix.lower()):
                found.setdefault(name[: len(name) - len(self.suffix)], []).append(name)
        return found

    def name_for(self, image: str) -> str:
        """The name of an image's mask; where there is none, the one that it would have.

        Args:
            image (str): Its relative name.

        Raises:
            ValueError: If several files differ by the case of their endings alone.
        """
        # Of 'photo.dat', whose content alone says that it is an image, either is called after it.
        stems = dict.fromkeys([image_stem(image), str(PurePosixPath(image).with_suffix(''))])
        exact = [f'{stem}{self.suffix}' for stem in stems]
        for name in exact:
            if is_file_or_link(self.folder / name):
                return name
        for stem in stems:
            found = self._stem_masks.get(stem, [])
            if len(found) > 1:
                raise ValueError(
                    f'the image {image} may have the mask {" or ".join(found)} in {self.folder}: take one of them away'
                )
            if found:
                return found[0]
        return exact[0]

    def unmatched(self, images: Collection[str], masks: Collection[str]) -> list[str]:
        """Files of the folder that are neither a mask nor an image of the set."""
        known = {*images, *masks}
        return [name for name in self.names if name not in known]


def describe_unmatched(unmatched: Iterable[str], folder: Path) -> str:
    """A clause on files that no image is called after, for an error; '' where there is none."""
    names = list(unmatched)
    if not names:
        return ''
    more = ', ...' if len(names) > LISTED else ''
    return f'{len(names)} files in {folder} belong to no image: {", ".join(names[:LISTED])}{more}'


def is_file_or_link(path: Path) -> bool:
    """Whether something is there, if only a link that leads nowhere; of a name that is too long nothing is."""
    try:
        return path.is_file() or path.is_symlink()
    except (OSError, ValueError):
        return False
