"""Sets whose images and masks stand in two folders: FF++ as FOCAL used it, DSO-1, CocoGlide, AutoSplice, Korus."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from .base import DataSet, ReleasedImage, black, files, grey

IMAGES = ('*.png', '*.jpg', '*.jpeg', '*.tif')
# Of Korus's three levels black is genuine; grey, what an edit changed beside its object, and white are forged.
KORUS_BLACK = 10


def _group_stems(source: Path, folder: str, ending: str = '') -> dict[str, list[Path]]:
    """The files of all folders of a name, by their stems."""
    found: dict[str, list[Path]] = {}
    for path in files(source, *(f'{folder}/{pattern}' for pattern in IMAGES)):
        found.setdefault(path.stem.removesuffix(ending), []).append(path)
    return found


def _names(source: Path, images: Mapping[str, list[Path]]) -> Iterator[tuple[str, Path, str]]:
    """(stem, image, name) of each: the folder above is in the names of those that share their stem."""
    for stem, paths in images.items():
        for path in paths:
            above = path.parent.parent.relative_to(source) if len(paths) > 1 else Path()
            yield stem, path, (above / stem).as_posix()


def _nearest(image: Path, masks: list[Path], otherwise: Path) -> Path:
    """Of the masks of one stem the one that shares most folders with the image."""
    return max(masks, key=lambda mask: len(os.path.commonpath([image, mask])), default=otherwise)


def find_ffpp(source: Path, _: Callable[[str], None]) -> Iterator[ReleasedImage]:
    """``images/*`` with masks of the same stems in ``masks``; each method of forging may have two such folders."""
    masks = _group_stems(source, 'masks')
    for stem, image, name in _names(source, _group_stems(source, 'images')):
        mask = _nearest(image, masks.get(stem, []), image.parent.with_name('masks') / f'{stem}.png')
        yield ReleasedImage(image, (mask,), 'face', name)


def find_dso1(source: Path, _: Callable[[str], None]) -> Iterator[ReleasedImage]:
    """``DSO-1/splicing-*.png`` with masks of the same names, ``DSO-1/normal-*.png``."""
    masks = _group_stems(source, 'dso-1-fake-images-masks')
    for stem, image, name in _names(source, _group_stems(source, 'dso-1')):
        if stem.startswith('normal'):
            yield ReleasedImage(image, kind='pristine', name=name)
        elif stem.startswith('splicing'):
            yield ReleasedImage(image, (_nearest(image, masks.get(stem, []), source / f'{stem}.png'),), 'splice', name)


def find_cocoglide(source: Path, _: Callable[[str], None]) -> Iterator[ReleasedImage]:
    """``fake/glide_inpainting_val2017_<id>_up.png`` with ``mask/<class>_<id>_mask.png``, ``real/*``."""
    masks: dict[str, list[Path]] = {}
    for path in (path for paths in _group_stems(source, 'mask').values() for path in paths):
        if number := _number(path.stem):
            masks.setdefault(number, []).append(path)
    for stem, image, name in _names(source, _group_stems(source, 'fake')):
        number = _number(stem)
        mask = _nearest(image, masks.get(number, []), source / 'mask' / f'{number}_mask.png')
        yield ReleasedImage(image, (mask,), 'inpainting', name)
    for _stem, image, name in _names(source, _group_stems(source, 'real')):
        yield ReleasedImage(image, kind='pristine', name=name)


def _number(stem: str) -> str:
    """The image's number in COCO: the last run of digits."""
    return (re.findall(r'\d+', stem) or [''])[-1]


def find_autosplice(source: Path, note: Callable[[str], None]) -> Iterator[ReleasedImage]:
    """``Forged_JPEG100/<id>_<n>.jpg``, edits of one region with one ``Mask/<id>_mask.png``, ``Authentic/<id>.jpg``."""
    masks = _group_stems(source, 'mask', '_mask')
    for stem, image, name in _names(source, _group_stems(source, 'forged_jpeg100')):
        own = masks.get(stem) or masks.get(stem.rsplit('_', 1)[0], [])
        yield ReleasedImage(image, (_nearest(image, own, source / 'Mask' / f'{stem}_mask.png'),), 'inpainting', name)
    for _stem, image, name in _names(source, _group_stems(source, 'authentic')):
        yield ReleasedImage(image, kind='pristine', name=name)
    if any(files(source, 'forged_jpeg90/*', 'forged_jpeg75/*')):
        note('the copies of stronger compression, Forged_JPEG90 and Forged_JPEG75, are left out')


def find_korus(source: Path, _: Callable[[str], None]) -> Iterator[ReleasedImage]:
    """``<camera>/tampered-realistic/*.TIF`` with ``<camera>/ground-truth/*.PNG``, ``<camera>/pristine/*.TIF``."""
    masks = {(path.parents[1], path.stem): path for path in files(source, 'ground-truth/*.png')}
    for image in files(source, 'tampered-realistic/*.tif'):
        folder = image.parents[1]
        mask = masks.get((folder, image.stem), folder / 'ground-truth' / f'{image.stem}.PNG')
        yield ReleasedImage(image, (mask,), 'realistic', f'{folder.name}/{image.stem}')
    for image in files(source, 'pristine/*.tif'):
        yield ReleasedImage(image, kind='pristine', name=f'{image.parents[1].name}/{image.stem}')


def not_nearly_black(masks: tuple[Path, ...]) -> np.ndarray:
    """Forged, bool (H, W), is what is grey or white."""
    return grey(masks[0]) > KORUS_BLACK


FFPP = DataSet(
    'ffpp',
    "FF++, the 1,000 frames that FOCAL's authors share",
    'images/* and masks/*',
    {'face': 1000},
    find_ffpp,
    accepted=(1000,),
)
DSO1 = DataSet(
    'dso1',
    'DSO-1 (Carvalho et al., TIFS 2013)',
    'DSO-1/{splicing,normal}-*.png, DSO-1-Fake-Images-Masks/splicing-*.png',
    {'splice': 100, 'pristine': 100},
    find_dso1,
    black,
    accepted=(100,),
)
COCOGLIDE = DataSet(
    'cocoglide',
    'CocoGlide (Guillaro et al., CVPR 2023)',
    'fake/*.png, mask/*_mask.png, real/*.png',
    {'inpainting': 512, 'pristine': 512},
    find_cocoglide,
    accepted=(512,),
)
AUTOSPLICE = DataSet(
    'autosplice',
    'AutoSplice (Jia et al., CVPRW 2023)',
    'Authentic/<id>.jpg, Forged_JPEG100/<id>_<n>.jpg, Mask/<id>_mask.png',
    {'inpainting': 3621, 'pristine': 2273},
    find_autosplice,
    accepted=(3621,),
)
KORUS = DataSet(
    'korus',
    'Realistic Tampering (Korus and Huang, WIFS 2016)',
    '<camera>/{pristine,tampered-realistic}/*.TIF, <camera>/ground-truth/*.PNG',
    {'realistic': 220, 'pristine': 220},
    find_korus,
    not_nearly_black,
    accepted=(220,),
)
