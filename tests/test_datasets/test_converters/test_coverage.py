"""A miniature of Coverage."""

from pathlib import Path

import numpy as np
from miniatures import converted, write_image, write_mask

from focal_mmseg.datasets.converters import SETS, convert


def test_forged_masks_are_used_and_those_of_another_size_resized(tmp_path: Path) -> None:
    source = tmp_path / 'COVERAGE' / 'COVERAGE'
    for number in (1, 2):
        write_image(source / 'image' / f'{number}.tif', number)
        write_image(source / 'image' / f'{number}t.tif', number + 5)
        for seed, part in enumerate(('copy', 'paste')):
            write_mask(source / 'mask' / f'{number}{part}.tif', seed)
    forged = write_mask(source / 'mask' / '1forged.tif', 7)
    write_mask(source / 'mask' / '2forged.tif', 8, (12, 16))
    (source / 'label').mkdir()
    (source / 'label' / '1.mat').write_bytes(b'')
    report = convert(SETS['coverage'], tmp_path / 'COVERAGE', tmp_path / 'out')
    assert report.counts == {'pristine': 2, 'copy-move': 2} and not report.dropped
    assert np.array_equal(converted(tmp_path / 'out', 'copy-move/1t'), forged)
    assert not converted(tmp_path / 'out', 'pristine/1').any()
    assert converted(tmp_path / 'out', 'copy-move/2t').shape == (24, 32) and len(report.mended) == 1
