"""From a public data set as it is released to folders of pictures and masks with one index."""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from mmengine.utils import track_iter_progress
from PIL import Image

from focal_mmseg.datasets.index import IndexRow, write_index
from focal_mmseg.datasets.transforms.load_forgery_mask import read_forgery_mask
from focal_mmseg.utils import read_image, write_image, written_whole

SIZE_RULES = ('nearest', 'drop')


class Dropped(Exception):  # noqa: N818
    """A picture that is left out; the message says why."""


@dataclass(frozen=True)
class Picture:
    """A picture of a released data set.

    Attributes:
        image (Path): Its file.
        masks (tuple[Path, ...]): The files that its mask is made of; none for a pristine picture.
        kind (str): As ``'splice'``, ``'copy-move'``, ``'removal'``, ``'pristine'``.
        name (str): Of the converted picture, below the folder of its kind, without ending; '' takes the file's.
    """

    image: Path
    masks: tuple[Path, ...] = ()
    kind: str = ''
    name: str = ''


def grey(mask: Path) -> np.ndarray:
    """A mask's luminance, uint8 of shape (H, W).

    Raises:
        Dropped: If the file is no image.
    """
    found = read_image(mask, cv2.IMREAD_GRAYSCALE)
    if found is None:
        raise Dropped(f'its mask {mask.name} is no image, or truncated')
    return found


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
        counts (dict[str, int]): Pictures of each kind that the release has.
        find (Callable): From the source folder and a function that takes a line for the report, the pictures.
        read_mask (Callable): From a picture's mask files to bool (H, W), True = forged. Defaults to :func:`white`.
        wrong_size (str): What becomes of a mask of another size than its picture: ``'nearest'`` resizes it, unless its
            sides are swapped; ``'drop'`` leaves the picture out. Defaults to ``'drop'``.
    """

    name: str
    title: str
    layout: str
    counts: dict[str, int]
    find: Callable[[Path, Callable[[str], None]], Iterable[Picture]]
    read_mask: Callable[[tuple[Path, ...]], np.ndarray] = white
    wrong_size: str = 'drop'


@dataclass
class Report:
    """What a conversion did.

    Attributes:
        counts (Counter): Converted pictures of each kind.
        dropped (list[str]): Pictures that were left out, and why.
        mended (list[str]): Pictures whose mask was changed, and how.
        notes (list[str]): What else is unlike the release.
    """

    counts: Counter = field(default_factory=Counter)
    dropped: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def convert(dataset: DataSet, source: str | Path, out: str | Path, copy: bool = False) -> Report:
    """Convert a data set; its files are only read.

    Writes ``images/<kind>/*`` (links to the pictures, or copies of their bytes), ``masks/<kind>/*.png`` (0 pristine,
    255 forged), ``index.tsv``, which :class:`ForgeryDataset` reads, and ``report.json``.

    Args:
        dataset (DataSet): Which.
        source (str | Path): The folder it was unpacked into.
        out (str | Path): The folder to write into, not inside the source.
        copy (bool): Whether pictures are copied and not linked. Defaults to False.

    Returns:
        Report: With what was left out.

    Raises:
        FileNotFoundError: If the source is no folder.
        ValueError: If nothing in it looks like this set, two pictures would have one name, or ``out`` is in the source
            or holds something else.
    """
    source, out = Path(source), Path(out)
    _check_folders(source, out)
    report = Report()
    pictures = list(dataset.find(source, report.notes.append))
    if not pictures:
        raise ValueError(f'{source} holds no picture of {dataset.title}; expected {dataset.layout}')
    rows = []
    names: dict[str, Path] = {}
    for picture in track_iter_progress(pictures):
        name = '/'.join(filter(None, (picture.kind, picture.name or picture.image.stem)))
        if names.setdefault(name, picture.image) != picture.image:
            raise ValueError(f'{names[name]} and {picture.image} would both be called {name}')
        try:
            rows.append(_convert_one(dataset, picture, name, out, copy, report))
            report.counts[picture.kind] += 1
        except (Dropped, OSError, ValueError) as error:
            report.dropped.append(f'{picture.image.relative_to(source)}: {error}')
    write_index(out / 'index.tsv', rows)
    with written_whole(out / 'report.json') as part:
        part.write_text(json.dumps(dict(set=dataset.name, **report.__dict__), indent=2) + '\n', encoding='utf-8')
    return report


def _check_folders(source: Path, out: Path) -> None:
    """Refuse what would read or write in a wrong place."""
    if not source.is_dir():
        raise FileNotFoundError(f'the folder {source} does not exist')
    if out.resolve().is_relative_to(source.resolve()):
        raise ValueError(f'{out} is in the source {source}, which is only read: give another folder to write into')
    if out.exists() and any(out.iterdir()) and not (out / 'index.tsv').is_file():
        raise ValueError(f'{out} holds something that is no converted set: give a new folder')


def _convert_one(dataset: DataSet, picture: Picture, name: str, out: Path, copy: bool, report: Report) -> IndexRow:
    """Write one picture and its mask."""
    size = picture_size(picture.image)
    mask = _fitted(dataset, picture, size, report) if picture.masks else np.zeros(size, bool)
    image = f'{name}{picture.image.suffix}'
    place(picture.image, out / 'images' / image, copy)
    write_image(out / 'masks' / f'{name}.png', mask.astype(np.uint8) * 255)
    return IndexRow(image, f'{name}.png', picture.kind, dataset.name)


def _fitted(dataset: DataSet, picture: Picture, size: tuple[int, int], report: Report) -> np.ndarray:
    """The mask at the picture's size."""
    missing = [path.name for path in picture.masks if not path.is_file()]
    if missing:
        raise Dropped(f'its mask {missing[0]} does not exist')
    mask = dataset.read_mask(picture.masks)
    if mask.shape == size:
        return mask
    sizes = f'its mask is {mask.shape[1]}x{mask.shape[0]}, the picture {size[1]}x{size[0]}'
    if dataset.wrong_size == 'drop' or mask.shape[::-1] == size:
        raise Dropped(sizes)
    report.mended.append(f'{picture.image.name}: {sizes}, resized to the nearest pixel')
    return cv2.resize(mask.astype(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST) > 0


def picture_size(path: Path) -> tuple[int, int]:
    """Height and width of a picture as its viewers show it, from its header alone.

    Raises:
        ValueError: If it is no picture.
    """
    try:
        with Image.open(path) as image:
            width, height = image.size
            turned = image.getexif().get(0x0112, 1) >= 5
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f'it is no picture, or damaged ({error})') from error
    return (width, height) if turned else (height, width)


def place(source: Path, target: Path, copy: bool) -> None:
    """Put a file where it is expected: a link, or its bytes where links are not wanted or not possible."""
    with written_whole(target) as part:
        if not copy:
            try:
                part.symlink_to(source.resolve())
                return
            except OSError:
                pass
        shutil.copyfile(source, part)


def files(folder: Path, *patterns: str) -> Iterator[Path]:
    """The files below a folder whose path ends in one of the patterns, in the order of their names.

    Args:
        folder (Path): Is searched with its sub-folders: downloads nest folders twice.
        *patterns (str): As ``'4cam_auth/*.tif'``, letters of either case.
    """
    for path in sorted(folder.rglob('*')):
        lower = Path(path.relative_to(folder.parent).as_posix().lower())
        if any(lower.match(pattern.lower()) for pattern in patterns) and path.is_file():
            yield path
