"""What every conversion does."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from miniatures import converted, write_mask, write_picture

from focal_mmseg.datasets import ForgeryDataset
from focal_mmseg.datasets.converters import DataSet, Picture, convert
from focal_mmseg.datasets.converters.base import files, picture_size


def pairs(source: Path, _: object) -> list[Picture]:
    return [Picture(path, (source / 'gt' / f'{path.stem}.png',), 'splice') for path in files(source, 'img/*')]


PAIRS = DataSet('pairs', 'pairs', 'img/* and gt/*.png', {'splice': 2}, pairs)
RESIZED = DataSet('pairs', 'pairs', 'img/* and gt/*.png', {'splice': 2}, pairs, wrong_size='nearest')


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for number, name in enumerate('ab'):
        write_picture(tmp_path / 'release' / 'img' / f'{name}.jpg', number)
        write_mask(tmp_path / 'release' / 'gt' / f'{name}.png', number)
    return tmp_path / 'release'


@pytest.mark.parametrize('copy', [False, True])
def test_pictures_keep_their_bytes_and_the_source_is_untouched(source: Path, tmp_path: Path, copy: bool) -> None:
    before = {path: path.read_bytes() for path in source.rglob('*') if path.is_file()}
    out = tmp_path / 'out'
    report = convert(PAIRS, source, out, copy)
    assert (report.counts, report.dropped, report.mended) == ({'splice': 2}, [], [])
    for name in 'ab':
        image = out / 'images' / 'splice' / f'{name}.jpg'
        assert image.is_symlink() is not copy
        assert image.read_bytes() == before[source / 'img' / f'{name}.jpg']
    assert {path: path.read_bytes() for path in source.rglob('*') if path.is_file()} == before
    assert json.loads((out / 'report.json').read_text())['counts'] == {'splice': 2}


def test_the_index_is_what_forgery_dataset_reads(source: Path, tmp_path: Path) -> None:
    convert(PAIRS, source, tmp_path / 'out')
    dataset = ForgeryDataset(
        data_root=str(tmp_path / 'out'),
        ann_file='index.tsv',
        data_prefix=dict(img_path='images', seg_map_path='masks'),
        pipeline=[dict(type='LoadImageFromFile'), dict(type='LoadForgeryMask')],
    )
    assert [dataset.get_data_info(number)['dataset_name'] for number in range(2)] == ['pairs'] * 2
    assert np.array_equal(dataset[0]['gt_seg_map'] == 1, converted(tmp_path / 'out', 'splice/a'))


def test_a_second_conversion_replaces_the_first(source: Path, tmp_path: Path) -> None:
    convert(PAIRS, source, tmp_path / 'out')
    (source / 'img' / 'b.jpg').unlink()
    assert convert(PAIRS, source, tmp_path / 'out').counts == {'splice': 1}
    assert 'b.jpg' not in (tmp_path / 'out' / 'index.tsv').read_text()


def test_what_cannot_be_used_is_named_and_the_rest_goes_on(source: Path, tmp_path: Path) -> None:
    (source / 'gt' / 'a.png').unlink()
    (source / 'img' / 'c.jpg').write_bytes(b'no picture')
    write_picture(source / 'img' / 'd.jpg')
    (source / 'gt' / 'd.png').write_bytes(b'no mask')
    report = convert(PAIRS, source, tmp_path / 'out')
    assert report.counts == {'splice': 1}
    named = ['img/a.jpg: its mask a.png does not exist', 'img/c.jpg: it is no picture', 'img/d.jpg: the mask']
    assert [line.startswith(start) for line, start in zip(report.dropped, named, strict=True)] == [True] * 3


def test_a_mask_of_another_size_is_dropped_or_resized_but_never_turned(source: Path, tmp_path: Path) -> None:
    write_mask(source / 'gt' / 'a.png', size=(12, 16))
    write_mask(source / 'gt' / 'b.png', size=(32, 24))
    assert len(convert(PAIRS, source, tmp_path / 'dropped').dropped) == 2
    report = convert(RESIZED, source, tmp_path / 'resized')
    assert len(report.mended) == 1 and 'a.jpg: its mask is 16x12, the picture 32x24' in report.mended[0]
    assert report.dropped == ['img/b.jpg: its mask is 24x32, the picture 32x24']
    small = cv2.imread(str(source / 'gt' / 'a.png'), cv2.IMREAD_GRAYSCALE) > 0
    assert np.array_equal(converted(tmp_path / 'resized', 'splice/a')[::2, ::2], small)


@pytest.mark.parametrize(
    ('out', 'message'), [('release/out', 'is in the source'), ('other', 'holds something that is no converted set')]
)
def test_foreign_folders_are_refused(source: Path, tmp_path: Path, out: str, message: str) -> None:
    (tmp_path / 'other').mkdir()
    (tmp_path / 'other' / 'thesis.txt').write_text('mine')
    with pytest.raises(ValueError, match=message):
        convert(PAIRS, source, tmp_path / out)
    assert (tmp_path / 'other' / 'thesis.txt').read_text() == 'mine'


def test_a_source_of_another_layout_is_told(tmp_path: Path) -> None:
    (tmp_path / 'empty').mkdir()
    with pytest.raises(ValueError, match=r'holds no picture of pairs; expected img/\* and gt'):
        convert(PAIRS, tmp_path / 'empty', tmp_path / 'out')
    with pytest.raises(FileNotFoundError, match='nowhere does not exist'):
        convert(PAIRS, tmp_path / 'nowhere', tmp_path / 'out')


def test_two_pictures_of_one_name_are_refused(source: Path, tmp_path: Path) -> None:
    write_picture(source / 'img' / 'a.png')
    with pytest.raises(ValueError, match=r'a\.jpg and .*a\.png would both be called splice/a'):
        convert(PAIRS, source, tmp_path / 'out')


def test_the_size_is_that_of_the_picture_as_it_is_shown(tmp_path: Path) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new('RGB', (40, 20)).save(tmp_path / 'turned.jpg', exif=exif)
    assert picture_size(tmp_path / 'turned.jpg') == (40, 20) == cv2.imread(str(tmp_path / 'turned.jpg')).shape[:2]
