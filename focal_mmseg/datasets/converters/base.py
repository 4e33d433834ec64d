"""How a public data set is released: what its converter says of it, and the tools that converters share."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from focal_mmseg.datasets.transforms.loading import read_forgery_mask
from focal_mmseg.utils import image_header, load_image

SIZE_RULES = ('nearest', 'proportional', 'drop')


class Dropped(Exception):  # noqa: N818
    """An image that is left out; the message says why.

    Args:
        reason (str): Of this image.
        rule (str): What holds for every image of the release and not for this one.
    """

    def __init__(self, reason: str, rule: str = 'a mask can be read') -> None:
        super().__init__(reason)
        self.rule = rule


@dataclass(frozen=True)
class ReleasedImage:
    """An image of a released data set.

    Attributes:
        image (Path): Its file.
        masks (tuple[Path, ...]): The files that its mask is made of; none for a pristine image.
        kind (str): As ``'splice'``, ``'copy-move'``, ``'removal'``, ``'pristine'``.
        name (str): Of the converted image, below the folder of its kind, without ending; '' takes the file's.
        renamed (str): How its mask was found where that has not its name; '' if it has.
    """

    image: Path
    masks: tuple[Path, ...] = ()
    kind: str = ''
    name: str = ''
    renamed: str = ''


def grey(mask: Path) -> np.ndarray:
    """A mask's luminance, uint8 of shape (H, W).

    Raises:
        Dropped: If the file is no image.
    """
    try:
        return load_image(mask, cv2.IMREAD_GRAYSCALE)
    except ValueError as error:
        raise Dropped(f'its mask {mask.name} is no image, or truncated ({error})') from error


def white(masks: tuple[Path, ...]) -> np.ndarray:
    """Forged, bool (H, W), is what is above 127 in the one mask, or is 1 where nothing is above 1."""
    return read_forgery_mask(str(masks[0])) == 1


def black(masks: tuple[Path, ...]) -> np.ndarray:
    """Forged, bool (H, W), is what is not above 127 in the one mask."""
    return read_forgery_mask(str(masks[0]), 'black') == 1


@dataclass(frozen=True)
class DataSet:
    """How a public data set is released.

    Attributes:
        name (str): Of its folder, its rows in tables and the command.
        title (str): In words, with where it comes from.
        layout (str): What the source folder holds, for people.
        counts (dict[str, int]): Images of each kind that the release has.
        find (Callable): From the source folder and a function that takes a line for the report, the images.
        read_mask (Callable): From an image's mask files to bool (H, W), True = forged. Defaults to :func:`white`.
        wrong_size (str): What becomes of a mask of another size than its image: ``'nearest'`` resizes it, unless its
            sides are swapped; ``'proportional'`` does so only where it has the image's proportions; ``'drop'`` leaves
            the image out. Defaults to ``'drop'``.
        known (Collection[str]): Ends of the paths of images that cannot be used even of a perfect download, as
            ``'z14/00030_fake.jpg'``, with ``*`` for any part of a name. Defaults to none.
        accepted (Collection[int]): Numbers of forged images that count as the whole set: of the release, and of the
            subsets in use. Defaults to none: any number.

    Raises:
        ValueError: If ``wrong_size`` is none of the three.
    """

    name: str
    title: str
    layout: str
    counts: dict[str, int]
    find: Callable[[Path, Callable[[str], None]], Iterable[ReleasedImage]]
    read_mask: Callable[[tuple[Path, ...]], np.ndarray] = white
    wrong_size: str = 'drop'
    known: Collection[str] = ()
    accepted: Collection[int] = ()

    def __post_init__(self) -> None:
        if self.wrong_size not in SIZE_RULES:
            raise ValueError(f'{self.name}: wrong_size must be one of {", ".join(SIZE_RULES)}, got {self.wrong_size!r}')

    def expects_loss(self, image: Path) -> bool:
        """Whether an image is one of ``known``."""
        return any(image.match(end) for end in self.known)


def image_size(path: Path) -> tuple[int, int]:
    """Height and width of an image as its viewers show it, from its header alone.

    Raises:
        ValueError: If it is no image.
    """
    try:
        with path.open('rb') as file, image_header(file, path.name) as image:
            width, height = image.size
            turned = image.getexif().get(0x0112, 1) >= 5
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(f'it is no image, or damaged ({error})') from error
    return (width, height) if turned else (height, width)


def files(folder: Path, *patterns: str) -> Iterator[Path]:
    """The files below a folder whose path ends in one of the patterns, in the order of their names.

    Args:
        folder (Path): Is searched with its sub-folders: downloads nest folders twice.
        *patterns (str): As ``'4cam_auth/*.tif'``, letters of either case.

    Yields:
        Path: But no hidden file, and nothing that macOS packs beside the files.
    """
    for path in sorted(folder.rglob('*')):
        if is_hidden(path.relative_to(folder)):
            continue
        lower = Path(path.relative_to(folder.parent).as_posix().lower())
        if any(lower.match(pattern.lower()) for pattern in patterns) and path.is_file():
            yield path


def is_hidden(path: Path) -> bool:
    """Whether a relative path is hidden, as ``._a.jpg``, or in ``__MACOSX``: named like images, they are none."""
    return any(part.startswith('.') or part == '__MACOSX' for part in path.parts)
