"""NIST16, the NC2016_Test0613 of the Nimble Challenge 2016."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from .base import DataSet, ReleasedImage, files, grey

LIST = 'reference/manipulation/NC2016-manipulation-ref.csv'
KINDS = {
    'IsManipulationTypeSplice': 'splice',
    'IsManipulationTypeRemoval': 'removal',
    'IsManipulationTypeCopyClone': 'copy-move',
}


def find(source: Path, note: Callable[[str], None]) -> Iterator[ReleasedImage]:
    """The probes of the manipulation list alone: it holds those of the splice and removal lists.

    Raises:
        ValueError: If the list has other columns, or a line too few.
    """
    for listing in files(source, LIST):
        root = listing.parents[2]
        # Upper and lower case differ between the list and the files.
        by_name = {path.relative_to(root).as_posix().lower(): path for path in files(root, 'probe/*', 'mask/*')}
        with listing.open(newline='', encoding='utf-8-sig') as file:
            rows = list(csv.DictReader(file, delimiter='|'))
        missing = {'ProbeFileName', 'ProbeMaskFileName', 'IsTarget', *KINDS} - set(rows[0] if rows else ())
        if missing:
            raise ValueError(f'{listing} has no column {", ".join(sorted(missing))}')
        short = [number for number, row in enumerate(rows, 2) if None in row.values()]
        if short:
            raise ValueError(f'{listing}, line {short[0]}: it has fewer fields than the heading')
        for row in rows:
            image = _file(root, by_name, row['ProbeFileName'])
            if row['IsTarget'] != 'Y':
                yield ReleasedImage(image, kind='pristine')
                continue
            kind = next((name for column, name in KINDS.items() if row[column] == 'Y'), 'other')
            yield ReleasedImage(image, (_file(root, by_name, row['ProbeMaskFileName']),), kind)
    if any(files(source, 'world/*.jpg')):
        note('the images of world/ are no probes and are left out')


def _file(root: Path, by_name: dict[str, Path], name: str) -> Path:
    return by_name.get(name.replace('\\', '/').lower(), root / (name or 'no mask'))


def not_white(masks: tuple[Path, ...]) -> np.ndarray:
    """Forged, bool (H, W), is what is not white, as in NIST's own scorer."""
    return grey(masks[0]) < 255


NIST16 = DataSet(
    'nist16',
    'NIST16, NC2016_Test0613 (Guan et al., WACVW 2019)',
    f'probe/*.jpg, {LIST} and the masks that it names',
    {'splice': 288, 'removal': 208, 'copy-move': 68, 'pristine': 560},
    find,
    not_white,
    # Some lists leave out 24.
    accepted=(540, 564),
)
