"""A miniature of MISD."""

from pathlib import Path

import numpy as np
from miniatures import converted, write_image, write_mask

from focal_mmseg.datasets.converters import SETS, convert


def test_the_mask_is_the_union_of_its_objects(tmp_path: Path) -> None:
    source = tmp_path / 'Dataset'
    names = ('Sp_D_ani_00001_art_00002_01', 'Sp_D_ani_00003_art_00004_02', 'Sp_D_x_05')
    for name in names:
        write_image(source / 'Sp' / f'{name}.png')
    write_image(source / 'Au' / 'Au_ani_00001.jpg')
    truth = source / 'Ground Truth Masks'
    objects = [write_mask(truth / names[0] / 'masks' / f'{n}.png', n) for n in range(3)]
    write_image(truth / names[0] / 'images' / f'{names[0]}.png')
    for number, size in enumerate(((24, 32), (12, 16))):
        write_mask(truth / names[1] / 'masks' / f'{number}.png', number, size)
    (truth / names[0] / 'masks' / '0.png').rename(truth / names[0] / 'masks' / '0.bmp')
    report = convert(SETS['misd'], source, tmp_path / 'out')
    assert report.counts == {'splice': 1, 'pristine': 1}
    assert [line.split(': ')[0] for line in report.dropped] == [f'Sp/{name}.png' for name in names[1:]]
    assert 'differ in size' in report.dropped[0] and 'does not exist' in report.dropped[1]
    assert np.array_equal(converted(tmp_path / 'out', f'splice/{names[0]}'), np.any(objects, axis=0))
