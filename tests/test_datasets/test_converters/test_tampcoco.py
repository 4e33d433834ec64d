"""Miniatures of tampCOCO and compRAISE."""

from pathlib import Path

import numpy as np
import pytest
from miniatures import converted, write_image, write_mask

from focal_mmseg.datasets.converters import SETS, convert
from focal_mmseg.datasets.converters.tampcoco import mask_name


@pytest.mark.parametrize(
    ('image', 'mask'),
    [
        (
            '87_000000070642.jpg_000000221521.jpg_RT-5.8_RS1.18.jpg',
            '87_000000070642.png_000000221521.png_RT-5.8_RS1.18.png',
        ),
        ('3_a.jpg_aligned_Q71.jpg', '3_a.png.png'),
        ('3_a.jpg_RS0.9_aligned_Q5.jpg', '3_a.png_RS0.9.png'),
    ],
)
def test_names_of_masks(image: str, mask: str) -> None:
    assert mask_name(image) == mask


@pytest.mark.parametrize(
    ('part', 'masks', 'kind'),
    [('sp', 'sp', 'splice'), ('cm', 'cm', 'copy-move'), ('bcm', 'bcm', 'copy-move'), ('bcmc', 'bcm', 'copy-move')],
)
@pytest.mark.parametrize('white', [1, 255])
def test_each_part_with_missing_masks_and_lists_that_are_not_used(
    tmp_path: Path, part: str, masks: str, kind: str, white: int
) -> None:
    source = tmp_path / 'tampCOCO'
    name = '87_1.jpg_2.jpg_RT-5.8'
    write_image(source / f'{part}_images' / f'{name}_aligned_Q81.jpg')
    write_image(source / f'{part}_images' / '9_gone.jpg')
    forged = write_mask(source / f'{masks}_masks' / '87_1.png_2.png_RT-5.8.png', 4, values=(0, white))
    (source / f'{part}_images' / '._9_gone.jpg').write_bytes(b'')
    (source / f'{part}_list.txt').write_text('not/there.jpg,not/there.png\n' * 2)
    report = convert(SETS[f'tampcoco-{part}'], source, tmp_path / 'out')
    assert report.counts == {kind: 1}
    assert report.dropped == [f'{part}_images/9_gone.jpg: its mask 9_gone.png does not exist']
    assert np.array_equal(converted(tmp_path / 'out', f'{kind}/{name}_aligned_Q81'), forged)


def test_the_folder_of_images_may_itself_be_the_source(tmp_path: Path) -> None:
    write_image(tmp_path / 't' / 'cm_images' / '1.jpg')
    write_mask(tmp_path / 't' / 'cm_masks' / '1.png')
    assert convert(SETS['tampcoco-cm'], tmp_path / 't' / 'cm_images', tmp_path / 'out').counts == {'copy-move': 1}


def test_compraise_is_pristine(tmp_path: Path) -> None:
    write_image(tmp_path / 'c' / 'r000da54ft_Q67_aligned_Q87.jpg')
    assert convert(SETS['compraise'], tmp_path / 'c', tmp_path / 'out').counts == {'pristine': 1}
    assert not converted(tmp_path / 'out', 'pristine/r000da54ft_Q67_aligned_Q87').any()
