"""Sets whose pictures and masks stand in two folders: FF++ as FOCAL used it, DSO-1, CocoGlide, AutoSplice, Korus."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from .base import DataSet, Picture, black, files

PICTURES = ('*.png', '*.jpg', '*.jpeg', '*.tif')


def _by_stem(source: Path, folder: str, ending: str = '') -> dict[str, Path]:
    """The files of a folder, wherever it is, by their stems."""
    found = files(source, *(f'{folder}/{pattern}' for pattern in PICTURES))
    return {path.stem.removesuffix(ending): path for path in found}


def find_ffpp(source: Path, _: Callable[[str], None]) -> Iterator[Picture]:
    """``images/*`` with masks of the same stems in ``masks``."""
    masks = _by_stem(source, 'masks')
    for stem, image in _by_stem(source, 'images').items():
        yield Picture(image, (masks.get(stem, source / 'masks' / f'{stem}.png'),), 'face')


def find_dso1(source: Path, _: Callable[[str], None]) -> Iterator[Picture]:
    """``DSO-1/splicing-*.png`` with masks of the same names, ``DSO-1/normal-*.png``."""
    masks = _by_stem(source, 'dso-1-fake-images-masks')
    for stem, image in _by_stem(source, 'dso-1').items():
        if stem.startswith('normal'):
            yield Picture(image, kind='pristine')
        elif stem.startswith('splicing'):
            yield Picture(image, (masks.get(stem, source / f'{stem}.png'),), 'splice')


def find_cocoglide(source: Path, _: Callable[[str], None]) -> Iterator[Picture]:
    """``fake/glide_inpainting_val2017_<id>_up.png`` with ``mask/<class>_<id>_mask.png``, ``real/*``."""
    masks = {number: path for path in _by_stem(source, 'mask').values() if (number := _number(path.stem))}
    for stem, image in _by_stem(source, 'fake').items():
        mask = masks.get(_number(stem), source / 'mask' / f'{_number(stem)}_mask.png')
        yield Picture(image, (mask,), 'inpainting')
    for image in _by_stem(source, 'real').values():
        yield Picture(image, kind='pristine')


def _number(stem: str) -> str:
    """The picture's number in COCO: the last run of digits."""
    return (re.findall(r'\d+', stem) or [''])[-1]


def find_autosplice(source: Path, note: Callable[[str], None]) -> Iterator[Picture]:
    """``Forged_JPEG100/<name>.jpg`` with ``Mask/<name>_mask.png``, ``Authentic/*``."""
    masks = _by_stem(source, 'mask', '_mask')
    for stem, image in _by_stem(source, 'forged_jpeg100').items():
        yield Picture(image, (masks.get(stem, source / 'Mask' / f'{stem}_mask.png'),), 'inpainting')
    for image in _by_stem(source, 'authentic').values():
        yield Picture(image, kind='pristine')
    if any(files(source, 'forged_jpeg90/*', 'forged_jpeg75/*')):
        note('the copies of stronger compression, Forged_JPEG90 and Forged_JPEG75, are left out')


def find_korus(source: Path, _: Callable[[str], None]) -> Iterator[Picture]:
    """``<camera>/tampered-realistic/*.TIF`` with ``<camera>/ground-truth/*.PNG``, ``<camera>/pristine/*.TIF``."""
    for image in files(source, 'tampered-realistic/*.tif'):
        folder = image.parents[1]
        masks = {path.stem: path for path in files(folder, 'ground-truth/*.png')}
        mask = masks.get(image.stem, folder / 'ground-truth' / f'{image.stem}.PNG')
        yield Picture(image, (mask,), 'realistic', f'{folder.name}/{image.stem}')
    for image in files(source, 'pristine/*.tif'):
        yield Picture(image, kind='pristine', name=f'{image.parents[1].name}/{image.stem}')


FFPP = DataSet(
    'ffpp', "FF++, the 1,000 frames that FOCAL's authors share", 'images/* and masks/*', {'face': 1000}, find_ffpp
)
DSO1 = DataSet(
    'dso1',
    'DSO-1 (Carvalho et al., TIFS 2013)',
    'DSO-1/{splicing,normal}-*.png, DSO-1-Fake-Images-Masks/splicing-*.png',
    {'splice': 100, 'pristine': 100},
    find_dso1,
    black,
)
COCOGLIDE = DataSet(
    'cocoglide',
    'CocoGlide (Guillaro et al., CVPR 2023)',
    'fake/*.png, mask/*_mask.png, real/*.png',
    {'inpainting': 512, 'pristine': 512},
    find_cocoglide,
)
AUTOSPLICE = DataSet(
    'autosplice',
    'AutoSplice (Jia et al., CVPRW 2023)',
    'Authentic/*.jpg, Forged_JPEG100/*.jpg, Mask/*_mask.png',
    {'inpainting': 3621, 'pristine': 2273},
    find_autosplice,
)
KORUS = DataSet(
    'korus',
    'Realistic Tampering (Korus and Huang, WIFS 2016)',
    '<camera>/{pristine,tampered-realistic}/*.TIF, <camera>/ground-truth/*.PNG',
    {'realistic': 220, 'pristine': 220},
    find_korus,
)
