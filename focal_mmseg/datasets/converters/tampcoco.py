"""tampCOCO: forgeries made by rule out of COCO and RAISE, the training sets of CAT-Net and FOCAL; and compRAISE."""

import os
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from .base import DataSet, ReleasedImage, files, grey, is_hidden


def find(images: str, kind: str, source: Path, _: Callable[[str], None]) -> Iterator[ReleasedImage]:
    """``<part>_images/*.jpg`` with ``<part>_masks/*.png``; of ``bcmc`` the masks are those of ``bcm``.

    The lists in the release are not used: they name files that are not there, and others twice.
    """
    for folder in [source, *_folders(source, f'{images}_images')]:
        if folder.name == f'{images}_images':
            masks = folder.with_name(f'{images.removesuffix("c") if images == "bcmc" else images}_masks')
            # Not by rglob: there are 200,000 of them.
            for name in sorted(entry.name for entry in os.scandir(folder) if _is_image(entry.name)):
                yield ReleasedImage(folder / name, (masks / mask_name(name),), kind)


def _folders(source: Path, name: str) -> Iterator[Path]:
    """The folders of a name."""
    for path in source.rglob(name):
        if path.is_dir() and not is_hidden(path.relative_to(source)):
            yield path


def _is_image(name: str) -> bool:
    """By its name."""
    return name.lower().endswith('.jpg') and not name.startswith('.')


def mask_name(image: str) -> str:
    """Every ``.jpg`` is ``.png``, and the compression after the forgery is not told.

    >>> mask_name('87_1.jpg_2.jpg_RT-5.8_aligned_Q81.jpg')
    '87_1.png_2.png_RT-5.8.png'
    """
    return re.sub(r'_aligned_Q\d+', '', image).replace('.jpg', '.png')


def find_compraise(source: Path, _: Callable[[str], None]) -> Iterator[ReleasedImage]:
    """Pristine images, compressed once or twice."""
    for image in files(source, '*.jpg'):
        yield ReleasedImage(image, kind='pristine')


def not_black(masks: tuple[Path, ...]) -> np.ndarray:
    """Forged, bool (H, W), is what is not 0: masks are of 0 and 1, or of 0 and 255."""
    return grey(masks[0]) > 0


TAMPCOCO = tuple(
    DataSet(
        f'tampcoco-{part}',
        f'tampCOCO {part}, {alias} (Kwon et al., IJCV 2022)',
        f'{part}_images/*.jpg and {part.removesuffix("c") if part == "bcmc" else part}_masks/*.png',
        {kind: number},
        partial(find, part, kind),
        not_black,
        # Lists and files differ by some hundreds.
        accepted=range(number - 1000, 200_001),
    )
    for part, alias, kind, number in (
        ('sp', 'SP-COCO', 'splice', 199_999),
        ('cm', 'CM-COCO', 'copy-move', 199_429),
        ('bcm', 'CM-RAISE', 'copy-move', 199_443),
        # As its authors say it, about.
        ('bcmc', 'CM-C-RAISE', 'copy-move', 200_000),
    )
)
COMPRAISE = DataSet(
    'compraise',
    'compRAISE, JPEG images of RAISE (Kwon et al., IJCV 2022)',
    '*.jpg',
    {'pristine': 24_462},
    find_compraise,
)
