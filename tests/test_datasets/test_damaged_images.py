"""Images that cannot be read, skipped on request; images that would fill the memory."""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from focal_mmseg.datasets.seeded_sampler import SeededItems, SeededSample
from focal_mmseg.datasets.transforms.loading import read_forgery_mask
from focal_mmseg.utils import check_image_size


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that declares a size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack('>I', len(content)) + kind + content + struct.pack('>I', zlib.crc32(kind + content))

    header = chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0))
    return b'\x89PNG\r\n\x1a\n' + header + chunk(b'IDAT', zlib.compress(b'\0' * 100)) + chunk(b'IEND', b'')


# What Pillow has a reader for that fails in its own way, and what OpenCV alone reads, here of 16,000 x 16,000 pixels.
UNKNOWN = {
    'DDS of an unknown format': b'DDS '
    + struct.pack('<7I', 124, 0x1007, 64, 64, 0, 0, 0)
    + bytes(44)
    + struct.pack('<II4s5I', 32, 4, b'ZZZZ', 0, 0, 0, 0, 0)
    + bytes(20),
    'Radiance HDR': b'#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 16000 +X 16000\n\x02\x02\x3e\x80',
    'GIF': b'GIF89a' + struct.pack('<HH', 9, 9) + bytes(50),
    'Sun raster': struct.pack('>8I', 0x59A66A95, 16_000, 16_000, 24, 768_000_000, 1, 0, 0) + bytes(100),
}


@pytest.fixture
def broken_set(write, photograph, half_mask) -> None:
    """Four images; of the second the image is damaged, of the third the mask."""
    for number in range(4):
        write(f'images/{number}.png', photograph)
        write(f'masks/{number}.png', half_mask)
    write('images/1.png', b'no image')
    write('masks/2.png', b'no mask')


@pytest.mark.usefixtures('broken_set')
def test_a_test_leaves_damaged_images_out_and_names_each(dataset) -> None:
    with pytest.warns(UserWarning, match='skipped: ') as warned:
        found = dataset('test', skip_damaged=True)
    assert [found.get_data_info(number)['image_name'] for number in range(len(found))] == ['0', '3']
    assert [Path(each.split('the image ')[1].split(':')[0]).name for each in found.skipped] == ['1.png', '2.png']
    assert len([each for each in warned if 'skipped: ' in str(each.message)]) == 2
    assert len(dataset('test')) == 4


@pytest.mark.usefixtures('broken_set')
def test_a_training_takes_another_image_the_same_for_the_same_seed(dataset) -> None:
    found = dataset('train', skip_damaged=True)
    assert len(found) == 4
    items, batch = SeededItems(found), [SeededSample(1, (0, 0, number)) for number in range(12)]
    with pytest.warns(UserWarning, match=r'skipped: .*1\.png'):
        taken = [item['data_samples'].img_path for item in items(batch)]
    assert {Path(path).name for path in taken} == {'0.png', '3.png'}
    assert [item['data_samples'].img_path for item in items(batch)] == taken
    with pytest.raises(ValueError, match=r'cannot use the image .*1\.png'):
        dataset('train')[1]


def test_a_set_of_damaged_images_alone_is_refused(dataset, write, photograph) -> None:
    for part in ('images', 'masks'):
        write(f'{part}/0.png', b'nothing')
    with pytest.warns(UserWarning, match='skipped'), pytest.raises(ValueError, match='every image is damaged'):
        dataset('test', skip_damaged=True)
    training = dataset('train', skip_damaged=True)
    with (
        pytest.warns(UserWarning, match='skipped'),
        pytest.raises(ValueError, match=r'cannot use the image .*0\.png'),
    ):
        training[0]


@pytest.mark.parametrize('part', ['images', 'masks'])
def test_a_file_that_declares_too_many_pixels_is_refused_before_it_is_decoded(
    dataset, write, photograph, half_mask, part
) -> None:
    write('images/0.png', photograph)
    write('masks/0.png', half_mask)
    write(f'{part}/0.png', bomb(60_000, 60_000))
    with pytest.raises(ValueError, match=rf'{part}.0\.png declares too many pixels'):
        dataset('test')[0]


def test_a_large_photograph_passes_but_not_a_bomb(tmp_path: Path) -> None:
    (tmp_path / 'large.png').write_bytes(bomb(12_000, 9_000))
    check_image_size(tmp_path / 'large.png')
    with pytest.raises(ValueError, match='declares too many pixels'):
        (tmp_path / 'bomb.png').write_bytes(bomb(2**31 - 1, 1))
        check_image_size(tmp_path / 'bomb.png')


@pytest.mark.parametrize('part', ['images', 'masks'])
@pytest.mark.parametrize('content', UNKNOWN.values(), ids=UNKNOWN)
def test_a_kind_whose_size_nobody_checks_is_refused_whatever_its_name_says(
    dataset, write, photograph, half_mask, part, content
) -> None:
    for number in range(2):
        write(f'images/{number}.png', photograph)
        write(f'masks/{number}.png', half_mask)
    path = write(f'{part}/0.png', content)
    with pytest.raises(
        ValueError, match=r'0\.png cannot be read: it is (DDS|Radiance HDR|Sun raster), which is not read|no image'
    ):
        dataset('test')[0]
    with pytest.warns(UserWarning, match=r'skipped: .*0\.png'):
        assert len(dataset('test', skip_damaged=True)) == 1
    if part == 'masks':
        with pytest.raises(ValueError, match=r'the mask .*0\.png cannot be read'):
            read_forgery_mask(str(path))


def test_a_mask_that_declares_too_many_pixels_is_refused_by_its_reader_too(tmp_path: Path) -> None:
    (tmp_path / 'bomb.png').write_bytes(bomb(60_000, 60_000))
    with pytest.raises(ValueError, match=r'the mask .*bomb\.png declares too many pixels'):
        read_forgery_mask(str(tmp_path / 'bomb.png'))


def test_a_file_of_more_than_a_gibibyte_is_refused_before_it_is_read(dataset, write, photograph, half_mask) -> None:
    path = write('images/0.png', photograph)
    write('masks/0.png', half_mask)
    # The end is a hole: it takes no space on the disk.
    os.truncate(path, 2**30 + 1)
    with pytest.raises(ValueError, match=r'0\.png is refused: it has 1073741825 bytes, more than 1073741824'):
        dataset('test')[0]


def test_links_out_of_the_set_are_followed_and_broken_ones_left_out_by_name(
    dataset, write, photograph, half_mask
) -> None:
    path = write('elsewhere/image.png', photograph)
    write('images/0.png', photograph)
    for number in (0, 1):
        write(f'masks/{number}.png', half_mask)
    (path.parent.parent / 'images' / '1.png').symlink_to(path)
    (path.parent.parent / 'images' / '2.png').symlink_to('nowhere.png')
    (path.parent.parent / 'images' / 'splice').symlink_to(path.parent)
    write('masks/splice/image.png', half_mask)
    with pytest.warns(UserWarning, match=r'left out: .*2\.png leads nowhere'):
        found = dataset('test')
    assert [found.get_data_info(number)['image_name'] for number in range(len(found))] == ['0', '1', 'splice/image']
    assert found.get_data_info(2)['kind'] == 'splice'
    assert np.array_equal(found[0]['inputs'], found[1]['inputs'])


def test_a_mask_that_is_a_broken_link_makes_no_image_pristine(dataset, write, photograph, half_mask) -> None:
    path = write('images/0.png', photograph)
    write('masks/1.png', half_mask)
    (path.parent.parent / 'masks' / '0.png').symlink_to('nowhere.png')
    with pytest.raises(FileNotFoundError, match=r'0\.png has no mask .*0\.png: check'):
        dataset('test', pristine_without_mask=True)
