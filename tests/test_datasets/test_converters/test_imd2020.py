"""A miniature of IMD2020."""

from pathlib import Path

import numpy as np
from miniatures import converted, write_image, write_mask

from focal_mmseg.datasets.converters import SETS, convert


def test_masks_stand_beside_their_images(tmp_path: Path) -> None:
    source = tmp_path / 'IMD2020'
    write_image(source / '1a2b' / '1a2b_orig.jpg')
    for seed, name in enumerate(('c8sw0tn_0.jpg', 'c8sw0tn_1.png')):
        write_image(source / '1a2b' / name, seed)
        write_mask(source / '1a2b' / f'{Path(name).stem}_mask.png', seed)
    write_image(source / 'z14' / '00030_fake.jpg')
    write_mask(source / 'z14' / '00030_fake_mask.png', size=(20, 32))
    report = convert(SETS['imd2020'], source, tmp_path / 'out')
    assert report.counts == {'tampered': 2, 'pristine': 1}
    assert not report.dropped and report.known == ['z14/00030_fake.jpg: its mask is 32x20, the image 32x24']
    forged = write_mask(tmp_path / 'scratch.png', 1)
    assert np.array_equal(converted(tmp_path / 'out', 'tampered/1a2b/c8sw0tn_1'), forged)
