"""Pictures that cannot be read, skipped on request; pictures that would fill the memory."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from focal_mmseg.datasets.numbered_sampler import NumberedIndex
from focal_mmseg.utils import require_bearable_size


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that declares a size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack('>I', len(content)) + kind + content + struct.pack('>I', zlib.crc32(kind + content))

    header = chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0))
    return b'\x89PNG\r\n\x1a\n' + header + chunk(b'IDAT', zlib.compress(b'\0' * 100)) + chunk(b'IEND', b'')


@pytest.fixture
def broken_set(write, photograph, half_mask) -> None:
    """Four pictures; of the second the picture is damaged, of the third the mask."""
    for number in range(4):
        write(f'images/{number}.png', photograph)
        write(f'masks/{number}.png', half_mask)
    write('images/1.png', b'no picture')
    write('masks/2.png', b'no mask')


@pytest.mark.usefixtures('broken_set')
def test_a_test_leaves_damaged_pictures_out_and_names_each(dataset) -> None:
    with pytest.warns(UserWarning, match='skipped: ') as warned:
        found = dataset('test', skip_damaged=True)
    assert [found.get_data_info(number)['picture'] for number in range(len(found))] == ['0', '3']
    assert [Path(each.split('the picture ')[1].split(':')[0]).name for each in found.skipped] == ['1.png', '2.png']
    assert len([each for each in warned if 'skipped: ' in str(each.message)]) == 2
    assert len(dataset('test')) == 4


@pytest.mark.usefixtures('broken_set')
def test_a_training_takes_another_picture_the_same_for_the_same_number(dataset) -> None:
    found = dataset('train', skip_damaged=True)
    assert len(found) == 4
    with pytest.warns(UserWarning, match=r'skipped: .*1\.png'):
        taken = [found[NumberedIndex(1, (0, 0, number))]['data_samples'].img_path for number in range(12)]
    assert {Path(path).name for path in taken} == {'0.png', '3.png'}
    again = [found[NumberedIndex(1, (0, 0, number))]['data_samples'].img_path for number in range(12)]
    assert again == taken
    with pytest.raises(ValueError, match=r'cannot use the picture .*1\.png'):
        dataset('train')[1]


def test_a_set_of_damaged_pictures_alone_is_refused(dataset, write, photograph) -> None:
    for part in ('images', 'masks'):
        write(f'{part}/0.png', b'nothing')
    with pytest.warns(UserWarning, match='skipped'), pytest.raises(ValueError, match='every picture is damaged'):
        dataset('test', skip_damaged=True)
    training = dataset('train', skip_damaged=True)
    with (
        pytest.warns(UserWarning, match='skipped'),
        pytest.raises(ValueError, match=r'cannot use the picture .*0\.png'),
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


def test_a_large_photograph_and_an_unknown_kind_pass(tmp_path: Path) -> None:
    (tmp_path / 'large.png').write_bytes(bomb(12_000, 9_000))
    (tmp_path / 'unknown.png').write_bytes(b'no picture')
    for name in ('large.png', 'unknown.png'):
        require_bearable_size(tmp_path / name)
    with pytest.raises(ValueError, match='declares too many pixels'):
        (tmp_path / 'bomb.png').write_bytes(bomb(2**31 - 1, 1))
        require_bearable_size(tmp_path / 'bomb.png')


def test_symlinks_out_of_the_set_are_followed_and_broken_ones_left_out(dataset, write, photograph, half_mask) -> None:
    picture = write('elsewhere/picture.png', photograph)
    write('images/0.png', photograph)
    for number in (0, 1):
        write(f'masks/{number}.png', half_mask)
    (picture.parent.parent / 'images' / '1.png').symlink_to(picture)
    (picture.parent.parent / 'images' / '2.png').symlink_to('nowhere.png')
    found = dataset('test')
    assert len(found) == 2
    assert np.array_equal(found[0]['inputs'], found[1]['inputs'])
