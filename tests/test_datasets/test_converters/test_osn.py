"""A miniature of the sets that went through social networks."""

from pathlib import Path

import numpy as np
from miniatures import converted, write_mask, write_picture

from focal_mmseg.datasets.converters import SETS, convert


def test_each_network_is_a_kind_and_shares_the_masks(tmp_path: Path) -> None:
    source = tmp_path / 'osn'
    for network in ('Facebook', 'Wechat'):
        write_picture(source / f'Casia_{network}' / 'Sp_D_1.jpg')
    write_picture(source / 'DSO_Weibo' / 'splicing-01.jpg')
    forged = write_mask(source / 'Casia_GT' / 'Sp_D_1_gt.png', 3)
    report = convert(SETS['osn'], source, tmp_path / 'out')
    assert report.counts == {'casia-facebook': 1, 'casia-wechat': 1}
    assert len(report.dropped) == 1 and 'splicing-01.jpg: its mask splicing-01_gt.png' in report.dropped[0]
    for network in ('facebook', 'wechat'):
        assert np.array_equal(converted(tmp_path / 'out', f'casia-{network}/Sp_D_1'), forged)
