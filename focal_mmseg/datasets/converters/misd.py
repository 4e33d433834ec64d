"""MISD: splices of several objects."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from .base import DataSet, Dropped, ReleasedImage, files, white

MASKS = ('png', 'jpg', 'jpeg', 'bmp', 'tif')


def find(source: Path, _: Callable[[str], None]) -> Iterator[ReleasedImage]:
    """``Sp/*.png`` with one mask an object in ``Ground Truth Masks/<stem>/masks``, ``Au/*.jpg``."""
    objects: dict[str, list[Path]] = {}
    for mask in files(source, *(f'ground truth masks/*/masks/*.{ending}' for ending in MASKS)):
        objects.setdefault(mask.parents[1].name, []).append(mask)
    for image in files(source, 'sp/*.png', 'sp/*.jpg'):
        masks = objects.get(image.stem, [source / 'Ground Truth Masks' / image.stem / 'masks'])
        yield ReleasedImage(image, tuple(masks), 'splice')
    for image in files(source, 'au/*.jpg', 'au/*.png'):
        yield ReleasedImage(image, kind='pristine')


def union(masks: tuple[Path, ...]) -> np.ndarray:
    """Forged, bool (H, W), is what any of the masks calls so.

    Raises:
        Dropped: If they differ in size.
    """
    planes = [white((mask,)) for mask in masks]
    if len({plane.shape for plane in planes}) > 1:
        raise Dropped(f'its masks in {masks[0].parent} differ in size')
    return np.any(planes, axis=0)


MISD = DataSet(
    'misd',
    'MISD (Kadam et al., Data 2021)',
    'Au/*.jpg, Sp/*.png, Ground Truth Masks/<stem>/masks/*.png',
    {'splice': 300, 'pristine': 618},
    find,
    union,
    # FOCAL tested on 227 of them.
    accepted=(227, 300),
)
