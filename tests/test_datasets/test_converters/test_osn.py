"""A miniature of the sets that went through social networks."""

from pathlib import Path

import numpy as np
from miniatures import converted, write_image, write_mask

from focal_mmseg.datasets.converters import SETS, convert


def test_each_network_is_a_kind_and_shares_the_masks(tmp_path: Path) -> None:
    source = tmp_path / 'osn'
    for network in ('Facebook', 'Wechat'):
        write_image(source / f'Casia_{network}' / 'Sp_D_1.jpg')
    write_image(source / 'DSO_Weibo' / 'splicing-01.jpg')
    forged = write_mask(source / 'Casia_GT' / 'Sp_D_1_gt.png', 3)
    report = convert(SETS['osn'], source, tmp_path / 'out')
    assert report.counts == {'casia-facebook': 1, 'casia-wechat': 1}
    assert len(report.dropped) == 1 and 'splicing-01.jpg: its mask splicing-01_gt.png' in report.dropped[0]
    for network in ('facebook', 'wechat'):
        assert np.array_equal(converted(tmp_path / 'out', f'casia-{network}/Sp_D_1'), forged)


def test_masks_of_images_that_a_network_made_smaller_are_resized(tmp_path: Path) -> None:
    source = tmp_path / 'osn'
    write_image(source / 'NIST_Facebook' / 'a.jpg', size=(16, 24))
    write_image(source / 'NIST_Facebook' / 'cropped.jpg', size=(16, 16))
    forged = write_mask(source / 'NIST_GT' / 'a_gt.png', size=(32, 48))
    write_mask(source / 'NIST_GT' / 'cropped_gt.png', size=(32, 48))
    report = convert(SETS['osn'], source, tmp_path / 'out')
    assert report.mended == ['a.jpg: its mask is 48x32, the image 24x16, resized to the nearest pixel']
    assert report.dropped == ['NIST_Facebook/cropped.jpg: its mask is 48x32, the image 16x16']
    found = converted(tmp_path / 'out', 'nist-facebook/a')
    assert found.shape == (16, 24) and abs(found.mean() - forged.mean()) < 0.02
