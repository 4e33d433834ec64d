"""atomic_write and write_json: a file is there whole, or not at all."""

import json
import math
from pathlib import Path

import pytest

from focal_mmseg.utils import atomic_write, write_json


def test_what_was_written_is_the_file(tmp_path: Path) -> None:
    with atomic_write(tmp_path / 'mask.png') as part:
        part.write_text('whole')
        assert not (tmp_path / 'mask.png').exists()
    assert (tmp_path / 'mask.png').read_text() == 'whole'
    assert [path.name for path in tmp_path.iterdir()] == ['mask.png']


def test_the_temporary_file_lies_beside_the_target_and_ends_like_it(tmp_path: Path) -> None:
    with atomic_write(tmp_path / 'mask.png') as part:
        part.touch()
        assert part.parent == tmp_path
        assert part.suffix == '.png'


def test_a_name_may_be_as_long_as_names_can_be(tmp_path: Path) -> None:
    for path in (tmp_path / f'{"a" * 251}.png', tmp_path / f'a.{"b" * 253}'):
        with atomic_write(path) as part:
            part.write_text('whole')
        assert path.read_text() == 'whole'


def test_two_that_write_one_file_have_a_temporary_file_each(tmp_path: Path) -> None:
    with atomic_write(tmp_path / 'mask.png') as one, atomic_write(tmp_path / 'mask.png') as other:
        assert one != other
        one.write_text('one')
        other.write_text('other')
    assert (tmp_path / 'mask.png').read_text() == 'one'


def test_a_link_may_be_written_too(tmp_path: Path) -> None:
    with atomic_write(tmp_path / 'link.png') as part:
        part.symlink_to(tmp_path / 'nowhere.png')
    assert (tmp_path / 'link.png').is_symlink()


def test_a_string_is_a_path_and_its_folders_are_made(tmp_path: Path) -> None:
    with atomic_write(str(tmp_path / 'a' / 'b' / 'rows.csv')) as part:
        part.write_text('whole')
    assert (tmp_path / 'a' / 'b' / 'rows.csv').read_text() == 'whole'


@pytest.mark.parametrize('error', (OSError, KeyboardInterrupt))
def test_a_failure_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), atomic_write(tmp_path / 'mask.png') as part:
        part.write_text('half')
        raise error
    assert not list(tmp_path.iterdir())


def test_a_failure_before_the_first_byte_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match='full'), atomic_write(tmp_path / 'mask.png'):
        raise OSError('full')
    assert not list(tmp_path.iterdir())


def test_a_failure_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    (tmp_path / 'mask.png').write_text('old')
    with pytest.raises(OSError, match='full'), atomic_write(tmp_path / 'mask.png') as part:
        part.write_text('half')
        raise OSError('full')
    assert (tmp_path / 'mask.png').read_text() == 'old'
    assert [path.name for path in tmp_path.iterdir()] == ['mask.png']


def test_a_file_that_was_there_is_replaced(tmp_path: Path) -> None:
    (tmp_path / 'mask.png').write_text('old')
    with atomic_write(tmp_path / 'mask.png') as part:
        part.write_text('new')
    assert (tmp_path / 'mask.png').read_text() == 'new'


def test_a_folder_in_the_targets_place_is_an_error_that_leaves_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / 'mask.png').mkdir()
    with pytest.raises(OSError), atomic_write(tmp_path / 'mask.png') as part:
        part.write_text('whole')
    assert [path.name for path in tmp_path.iterdir()] == ['mask.png']


def test_nan_becomes_null_at_any_depth_and_infinity_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / 'a.json', dict(a=math.nan, b=[1.5, (math.nan, 'NaN')]))
    assert json.loads((tmp_path / 'a.json').read_text(), parse_constant=pytest.fail) == dict(
        a=None, b=[1.5, [None, 'NaN']]
    )
    with pytest.raises(ValueError, match='JSON'):
        write_json(tmp_path / 'a.json', math.inf)
    assert json.loads((tmp_path / 'a.json').read_text())['a'] is None
