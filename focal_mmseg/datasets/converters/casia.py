"""CASIA v1, v1+ and v2: splices and copy-moves."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from focal_mmseg.datasets.exchange import Pair, read_mvss

from .base import DataSet, ReleasedImage, files
from .casia_names import match_names

IMAGES = ('*.jpg', '*.tif', '*.bmp', '*.png')
# In the ground truth of v2 one mask has a number more than its image.
RENAMED = {'Tp_D_NRD_S_N_cha10002_cha10001_20094_gt3': 'Tp_D_NRD_S_N_cha10002_cha10001_20094'}
LEFT_OUT = 'Tp_D_NRD_S_B_ani20002_nat20042_02437'
# Spelt in several ways in the copies of v1.
NO_MASK = 'Sp_D_NRN_A_*0011_*0011_0542.jpg'
# Its mask's sides are swapped, and nothing says which way to turn it.
TURNED = 'Sp_D_CNN_A_sec0012_ani0007_0275.jpg'
# Of the 17 images of v2 whose masks have another size (SunnyHaze/IML-Dataset-Corrections), those whose sides are
# swapped. Nothing in the files says which of the two turns is right.
SWAPPED = (
    'Tp_D_CNN_M_N_sec00011_cha00085_11227.jpg',
    'Tp_D_CRN_S_N_ani10191_ani10190_12437.jpg',
    'Tp_D_CRN_S_N_nat10130_pla00049_11524.jpg',
    'Tp_S_CRN_S_N_art00059_art00059_10508.tif',
    'Tp_S_NNN_S_N_sec00012_sec00012_11230.jpg',
)
# Forged images of v2 but LEFT_OUT, before 99 were renamed: 39 splices were called copy-moves, 60 the other way round.
OLD_KINDS = {'splice': 1848, 'copy-move': 3274}


def find_masks(source: Path) -> dict[str, Path]:
    """The masks by the stem that their images should have: re-packed downloads put them anywhere."""
    found = {path.stem[: -len('_gt')]: path for path in files(source, '*_gt.png')}
    return found | {RENAMED[path.stem]: path for path in files(source, '*_gt3.png') if path.stem in RENAMED}


def parse_kind(stem: str) -> str:
    """``D``: from a different image, ``S``: from the same."""
    return {'D': 'splice', 'S': 'copy-move'}.get(''.join(stem.split('_')[1:2]), 'other')


def _find(source: Path, forged: str, note: Callable[[str], None]) -> Iterator[ReleasedImage]:
    images = []
    for image in files(source, *IMAGES):
        if image.stem.startswith('Au_'):
            yield ReleasedImage(image, kind='pristine')
        elif image.stem == LEFT_OUT:
            note(f'{image.name} is left out, as in the lists of others: its mask is of another image')
        elif image.stem.startswith(forged) and not image.stem.lower().endswith(('_gt', '_gt3')):
            images.append(image)
    masks = find_masks(source)
    names = match_names((image.stem for image in images), masks)
    for image in images:
        # The kind is that of the corrected name, which is the mask's.
        name, rule = names.get(image.stem, (image.stem, ''))
        mask = masks.get(name, source / f'{image.stem}_gt.png')
        yield ReleasedImage(image, (mask,), parse_kind(name), renamed=rule)
    unused = {*masks} - {name for name, _ in names.values()} - {LEFT_OUT}
    if unused:
        note(f'{len(unused)} masks belong to no image here, as {masks[min(unused)].name}')


def find_v1(source: Path, note: Callable[[str], None]) -> Iterator[ReleasedImage]:
    """``Sp_*`` with ``<stem>_gt.png``, and ``Au_*``, in any folders."""
    yield from _find(source, 'Sp_', note)


def find_v2(source: Path, note: Callable[[str], None]) -> Iterator[ReleasedImage]:
    """``Tp_*`` with ``<stem>_gt.png``, and ``Au_*``, in any folders."""
    kinds: Counter[str] = Counter()
    for released in _find(source, 'Tp_', note):
        kinds[released.kind] += 1
        yield released
    if kinds.items() >= OLD_KINDS.items():
        note(
            'the numbers of splices and copy-moves are those of old downloads, in which 99 images have the name of '
            'the other kind: rename them by fileNamesCorrection.xlsx of the masks, and convert again'
        )


def find_v1_plus(source: Path, note: Callable[[str], None]) -> Iterator[ReleasedImage]:
    """A list of MVSS-Net, ``<image> <mask or None> <label>`` a line; files are found by their names.

    Raises:
        ValueError: If there are text files and none is such a list; of the first.
    """
    by_name = {path.name: path for path in files(source, *IMAGES)}
    pairs = _listed(source, note)
    names = {_last(name) for pair in pairs for name in (pair.image, pair.mask) if name}
    # What the list names and is not there may have its old name, or its corrected one.
    by_stem = {path.stem: path for name, path in by_name.items() if name not in names}
    others = match_names([Path(name).stem for name in sorted(names - by_name.keys())], by_stem)

    def found(name: str) -> tuple[Path, str]:
        last = _last(name)
        other, rule = others.get(Path(last).stem, ('', ''))
        return (by_stem[other], rule) if other and last not in by_name else (by_name.get(last, source / last), '')

    for pair in pairs:
        image, rule = found(pair.image)
        if pair.mask:
            mask, mask_rule = found(pair.mask)
            yield ReleasedImage(image, (mask,), parse_kind(mask.stem), renamed=rule or mask_rule)
        else:
            yield ReleasedImage(image, kind='pristine', renamed=rule)


def _last(name: str) -> str:
    """The last part of a path, of Windows too."""
    return Path(name.replace('\\', '/')).name


def _listed(source: Path, note: Callable[[str], None]) -> list[Pair]:
    """What the lists among the text files name."""
    pairs, errors = [], []
    for path in files(source, '*.txt'):
        try:
            pairs += read_mvss(path)
        except ValueError as error:
            errors.append(error)
        else:
            note(f'images are those of {path.name}')
    if errors and not pairs:
        raise errors[0]
    for each in errors:
        note(f'no list of MVSS-Net, and not read: {each}')
    return pairs


CASIA1 = DataSet(
    'casia1',
    'CASIA v1 (Dong et al., ChinaSIP 2013) with the masks of Pham et al., 2019',
    'Au_*, Sp_* and <stem>_gt.png, in any folders',
    {'splice': 461, 'copy-move': 459, 'pristine': 800},
    find_v1,
    known=(NO_MASK, TURNED),
    accepted=(919, 920),
)
CASIA1_PLUS = DataSet(
    'casia1plus',
    'CASIA v1+ (Chen et al., ICCV 2021): pristine images of Corel in place of those that are in v2 too',
    "the images and masks, in any folders, and MVSS-Net's list as a .txt file",
    {'splice': 461, 'copy-move': 459, 'pristine': 800},
    find_v1_plus,
    accepted=(920,),
)
CASIA2 = DataSet(
    'casia2',
    'CASIA v2 (Dong et al., ChinaSIP 2013) with the masks of Pham et al., 2019',
    'Au_*, Tp_* and <stem>_gt.png, in any folders',
    {'splice': 1828, 'copy-move': 3295, 'pristine': 7491},
    find_v2,
    wrong_size='nearest',
    known=SWAPPED,
    accepted=range(5105, 5124),
)
CASIA2_CORRECTED = DataSet(
    'casia2-corrected',
    'CASIA v2 with the corrected masks of Ma et al., 2023',
    'Au_*, Tp_* and <stem>_gt.png, in any folders',
    {'splice': 1828, 'copy-move': 3295, 'pristine': 7491},
    find_v2,
    accepted=range(5105, 5124),
)
