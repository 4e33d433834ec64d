"""A miniature of NIST16."""

from pathlib import Path

import numpy as np
import pytest
from miniatures import converted, write_image, write_mask

from focal_mmseg.datasets.converters import SETS, convert

COLUMNS = 'TaskID|ProbeFileName|ProbeMaskFileName|BaseFileName|IsTarget|' + '|'.join(
    f'IsManipulationType{name}' for name in ('Removal', 'Splice', 'CopyClone')
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / 'download' / 'NC2016_Test0613'
    for number in range(5):
        write_image(root / 'probe' / f'NC2016_{number}.jpg', number)
    rows = [COLUMNS]
    for number, types in enumerate(('N|Y|N', 'Y|N|N', 'N|N|Y')):
        mask = f'reference/manipulation/mask/NC2016_{number}_MASK.png'
        rows.append(f'manipulation|probe/NC2016_{number}.JPG|{mask}|world/b.jpg|Y|{types}')
        write_mask(root / mask.lower().replace('nc2016', 'NC2016'), number, values=(255, 0))
    rows.append('manipulation|probe/NC2016_3.jpg|||N|N|N|N')
    rows.append('manipulation|probe/NC2016_4.jpg|reference/manipulation/mask/gone.png||Y|N|Y|N')
    listing = root / 'reference' / 'manipulation' / 'NC2016-manipulation-ref.csv'
    listing.write_text('\n'.join(rows) + '\n')
    (root / 'reference' / 'splice').mkdir()
    (root / 'reference' / 'splice' / 'NC2016-splice-ref.csv').write_text(COLUMNS + '\nwrong\n')
    write_image(root / 'world' / 'b.jpg')
    return tmp_path / 'download'


def test_the_manipulation_list_tells_kinds_and_black_is_forged(source: Path, tmp_path: Path) -> None:
    report = convert(SETS['nist16'], source, tmp_path / 'out')
    assert report.counts == {'splice': 1, 'removal': 1, 'copy-move': 1, 'pristine': 1}
    assert len(report.dropped) == 1 and 'NC2016_4.jpg: its mask gone.png does not exist' in report.dropped[0]
    assert report.notes == ['the images of world/ are no probes and are left out']
    for seed, kind in enumerate(('splice', 'removal', 'copy-move')):
        forged = write_mask(tmp_path / 'scratch.png', seed, values=(255, 0))
        assert np.array_equal(converted(tmp_path / 'out', f'{kind}/NC2016_{seed}'), forged)
    assert not converted(tmp_path / 'out', 'pristine/NC2016_3').any()


def test_grey_is_forged_as_in_nists_scorer(source: Path, tmp_path: Path) -> None:
    (mask,) = source.rglob('NC2016_0_mask.png')
    forged = write_mask(mask, 0, values=(255, 200))
    convert(SETS['nist16'], source, tmp_path / 'out')
    assert np.array_equal(converted(tmp_path / 'out', 'splice/NC2016_0'), forged)


def test_a_list_of_other_columns_is_refused(source: Path, tmp_path: Path) -> None:
    (listing,) = source.rglob('NC2016-manipulation-ref.csv')
    listing.write_text(listing.read_text().replace('IsTarget', 'Target'))
    with pytest.raises(ValueError, match=r'manipulation-ref\.csv has no column IsTarget'):
        convert(SETS['nist16'], source, tmp_path / 'out')


def test_a_line_with_too_few_fields_is_named(source: Path, tmp_path: Path) -> None:
    (listing,) = source.rglob('NC2016-manipulation-ref.csv')
    listing.write_text(listing.read_text() + 'manipulation\n')
    with pytest.raises(ValueError, match=r'manipulation-ref\.csv, line 7: it has fewer fields'):
        convert(SETS['nist16'], source, tmp_path / 'out')
