"""What every conversion does."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from miniatures import converted, write_image, write_mask

from focal_mmseg.datasets import ForgeryDataset
from focal_mmseg.datasets.converters import SETS, DataSet, ReleasedImage, convert
from focal_mmseg.datasets.converters.base import files, image_size


def pairs(source: Path, _: object) -> list[ReleasedImage]:
    return [ReleasedImage(path, (source / 'gt' / f'{path.stem}.png',), 'splice') for path in files(source, 'img/*')]


PAIRS = DataSet('pairs', 'pairs', 'img/* and gt/*.png', {'splice': 2}, pairs)
RESIZED = DataSet('pairs', 'pairs', 'img/* and gt/*.png', {'splice': 2}, pairs, wrong_size='nearest')


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for number, name in enumerate('ab'):
        write_image(tmp_path / 'release' / 'img' / f'{name}.jpg', number)
        write_mask(tmp_path / 'release' / 'gt' / f'{name}.png', number)
    return tmp_path / 'release'


@pytest.mark.parametrize('copy', [False, True])
def test_images_keep_their_bytes_and_the_source_is_untouched(source: Path, tmp_path: Path, copy: bool) -> None:
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
    left = [path.name for path in (tmp_path / 'out').rglob('*') if path.is_file() or path.is_symlink()]
    assert sorted(left) == ['a.jpg', 'a.png', 'index.tsv', 'report.json']


def test_what_cannot_be_used_is_named_and_the_rest_goes_on(source: Path, tmp_path: Path) -> None:
    (source / 'gt' / 'a.png').unlink()
    (source / 'img' / 'c.jpg').write_bytes(b'no image')
    write_image(source / 'img' / 'd.jpg')
    (source / 'gt' / 'd.png').write_bytes(b'no mask')
    report = convert(PAIRS, source, tmp_path / 'out')
    assert report.counts == {'splice': 1}
    named = ['img/a.jpg: its mask a.png does not exist', 'img/c.jpg: it is no image', 'img/d.jpg: the mask']
    assert [line.startswith(start) for line, start in zip(report.dropped, named, strict=True)] == [True] * 3


def test_a_mask_of_another_size_is_dropped_or_resized_but_never_turned(source: Path, tmp_path: Path) -> None:
    write_mask(source / 'gt' / 'a.png', size=(12, 16))
    write_mask(source / 'gt' / 'b.png', size=(32, 24))
    assert len(convert(PAIRS, source, tmp_path / 'dropped').dropped) == 2
    report = convert(RESIZED, source, tmp_path / 'resized')
    assert len(report.mended) == 1 and 'a.jpg: its mask is 16x12, the image 32x24' in report.mended[0]
    assert report.dropped == ['img/b.jpg: its mask is 24x32, the image 32x24']
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
    with pytest.raises(ValueError, match=r'holds no image of pairs; expected img/\* and gt'):
        convert(PAIRS, tmp_path / 'empty', tmp_path / 'out')
    with pytest.raises(FileNotFoundError, match='nowhere does not exist'):
        convert(PAIRS, tmp_path / 'nowhere', tmp_path / 'out')


def test_two_different_images_of_one_name_are_refused_before_anything_is_written(source: Path, tmp_path: Path) -> None:
    write_image(source / 'img' / 'a.png')
    with pytest.raises(ValueError, match=r'a\.jpg and .*a\.png differ, but would both be called splice/a'):
        convert(PAIRS, source, tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


def test_an_image_that_is_there_twice_counts_once(source: Path, tmp_path: Path) -> None:
    (source / 'again' / 'img').mkdir(parents=True)
    shutil.copyfile(source / 'img' / 'a.jpg', source / 'again' / 'img' / 'a.jpg')
    report = convert(PAIRS, source, tmp_path / 'out')
    assert report.counts == {'splice': 2} and len(report.notes) == 1 and 'counts once' in report.notes[0]


def test_a_conversion_that_broke_off_is_started_again(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, 'No space left on device')

    with monkeypatch.context() as patch:
        patch.setattr(shutil, 'copyfile', full)
        with pytest.raises(OSError, match='No space left'):
            convert(PAIRS, source, tmp_path / 'out', copy=True)
    assert not json.loads((tmp_path / 'out' / 'report.json').read_text())['finished']
    assert convert(PAIRS, source, tmp_path / 'out', copy=True).counts == {'splice': 2}
    assert json.loads((tmp_path / 'out' / 'report.json').read_text())['finished']


def test_a_full_disk_is_no_damaged_mask(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(Path, 'write_bytes', full)
    with pytest.raises(OSError, match='No space left'):
        convert(PAIRS, source, tmp_path / 'out')


def test_another_set_in_the_folder_is_refused(source: Path, tmp_path: Path) -> None:
    convert(PAIRS, source, tmp_path / 'out')
    with pytest.raises(ValueError, match='holds the converted set pairs: give a new folder for others'):
        convert(replace(PAIRS, name='others'), source, tmp_path / 'out')


def test_what_macos_packs_beside_the_files_is_no_image(source: Path, tmp_path: Path) -> None:
    (source / '__MACOSX' / 'img').mkdir(parents=True)
    for path in (source / '__MACOSX' / 'img' / 'c.jpg', source / 'img' / '._a.jpg', source / '.hidden.jpg'):
        path.write_bytes(b'\0\5\x16\7')
    report = convert(PAIRS, source, tmp_path / 'out')
    assert report.counts == {'splice': 2} and not report.dropped


def test_the_folder_that_one_is_in_has_its_own_name(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_img = replace(PAIRS, find=lambda folder, _: [ReleasedImage(path) for path in files(folder, 'img/*')])
    monkeypatch.chdir(source / 'img')
    assert convert(in_img, '.', tmp_path / 'out').counts == {'': 2}


def test_expected_losses_are_told_apart(source: Path, tmp_path: Path) -> None:
    for name in 'ab':
        (source / 'gt' / f'{name}.png').unlink()
    report = convert(replace(PAIRS, known=('img/a.jpg', 'g/b.jpg')), source, tmp_path / 'out')
    assert [line[:9] for line in report.known] == ['img/a.jpg']
    assert [line[:9] for line in report.dropped] == ['img/b.jpg']


@pytest.mark.parametrize('name', SETS)
def test_the_release_counts_as_whole(name: str) -> None:
    counts = dict(SETS[name].counts)
    counts.pop('pristine', None)
    assert not SETS[name].accepted or sum(counts.values()) in SETS[name].accepted


def test_an_unknown_rule_of_sizes_is_refused() -> None:
    with pytest.raises(ValueError, match="wrong_size must be one of nearest, proportional, drop, got 'turn'"):
        replace(PAIRS, wrong_size='turn')


def test_the_size_is_that_of_the_image_as_it_is_shown(tmp_path: Path) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new('RGB', (40, 20)).save(tmp_path / 'turned.jpg', exif=exif)
    assert image_size(tmp_path / 'turned.jpg') == (40, 20) == cv2.imread(str(tmp_path / 'turned.jpg')).shape[:2]
