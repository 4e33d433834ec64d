"""CASIA v1, v1+ and v2: splices and copy-moves."""

from collections.abc import Callable, Iterator
from pathlib import Path

from .base import DataSet, Picture, files

PICTURES = ('*.jpg', '*.tif', '*.bmp', '*.png')
# In the ground truth of v2 one mask has a number more than its picture.
RENAMED = {'Tp_D_NRD_S_N_cha10002_cha10001_20094_gt3': 'Tp_D_NRD_S_N_cha10002_cha10001_20094'}
LEFT_OUT = 'Tp_D_NRD_S_B_ani20002_nat20042_02437'


def masks_of(source: Path) -> dict[str, Path]:
    """The masks by the stem of their pictures: re-packed downloads put them anywhere."""
    found = {path.stem.removesuffix('_gt'): path for path in files(source, '*_gt.png')}
    return found | {RENAMED[path.stem]: path for path in files(source, '*_gt3.png') if path.stem in RENAMED}


def kind_of(stem: str) -> str:
    """``D``: from a different picture, ``S``: from the same."""
    return {'D': 'splice', 'S': 'copy-move'}.get(stem.split('_')[1], 'other')


def _find(source: Path, forged: str, note: Callable[[str], None]) -> Iterator[Picture]:
    masks = masks_of(source)
    for image in files(source, *PICTURES):
        if image.stem.startswith('Au_'):
            yield Picture(image, kind='pristine')
        elif image.stem == LEFT_OUT:
            note(f'{image.name} is left out, as in the lists of others: its mask is of another picture')
        elif image.stem.startswith(forged) and not image.stem.endswith(('_gt', '_gt3')):
            mask = masks.get(image.stem, source / f'{image.stem}_gt.png')
            yield Picture(image, (mask,), kind_of(image.stem))


def find_v1(source: Path, note: Callable[[str], None]) -> Iterator[Picture]:
    """``Sp_*`` with ``<stem>_gt.png``, and ``Au_*``, in any folders."""
    yield from _find(source, 'Sp_', note)


def find_v2(source: Path, note: Callable[[str], None]) -> Iterator[Picture]:
    """``Tp_*`` with ``<stem>_gt.png``, and ``Au_*``, in any folders."""
    yield from _find(source, 'Tp_', note)


def find_v1_plus(source: Path, note: Callable[[str], None]) -> Iterator[Picture]:
    """A list of MVSS-Net, ``<picture> <mask or None> <label>`` a line; files are found by their names.

    Raises:
        ValueError: If a line is no such line.
    """
    by_name = {path.name: path for path in files(source, *PICTURES)}
    for listing in files(source, '*.txt'):
        note(f'pictures are those of {listing.name}')
        for number, line in enumerate(listing.read_text(encoding='utf-8').splitlines(), 1):
            fields = line.split()
            if not fields:
                continue
            if len(fields) != 3 or fields[2] not in '01':
                raise ValueError(f'{listing}, line {number}: expected picture, mask or None, and 0 or 1, got {line!r}')
            image, mask = (Path(field.replace('\\', '/')).name for field in fields[:2])
            image = by_name.get(image, source / image)
            if fields[2] == '0':
                yield Picture(image, kind='pristine')
            else:
                yield Picture(image, (by_name.get(mask, source / mask),), kind_of(image.stem))


CASIA1 = DataSet(
    'casia1',
    'CASIA v1 (Dong et al., ChinaSIP 2013) with the masks of Pham et al., 2019',
    'Au_*, Sp_* and <stem>_gt.png, in any folders',
    {'splice': 461, 'copy-move': 459, 'pristine': 800},
    find_v1,
)
CASIA1_PLUS = DataSet(
    'casia1plus',
    'CASIA v1+ (Chen et al., ICCV 2021): pristine pictures of Corel in place of those that are in v2 too',
    "the pictures and masks, in any folders, and MVSS-Net's list as a .txt file",
    {'splice': 461, 'copy-move': 459, 'pristine': 800},
    find_v1_plus,
)
CASIA2 = DataSet(
    'casia2',
    'CASIA v2 (Dong et al., ChinaSIP 2013) with the masks of Pham et al., 2019',
    'Au_*, Tp_* and <stem>_gt.png, in any folders',
    {'splice': 1828, 'copy-move': 3295, 'pristine': 7491},
    find_v2,
    # Of its 17 masks of another size those with swapped sides are left out: which way to turn them is not known.
    wrong_size='nearest',
)
CASIA2_CORRECTED = DataSet(
    'casia2-corrected',
    'CASIA v2 with the corrected masks of Ma et al., 2023',
    'Au_*, Tp_* and <stem>_gt.png, in any folders',
    {'splice': 1828, 'copy-move': 3295, 'pristine': 7491},
    find_v2,
)
