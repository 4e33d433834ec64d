import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from focal_mmseg.utils import find_images, search_images


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ('b.JPG', 'a.png', 'sub/c.tiff', 'notes.txt', '.hidden.png', '._b.JPG', '.cache/d.png', 'e_gt.png'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / 'folder.png').mkdir()
    return tmp_path


def test_images_are_found_by_their_endings_hidden_ones_are_not(folder: Path) -> None:
    found = [path.relative_to(folder).as_posix() for path in find_images(folder)]
    assert found == ['a.png', 'b.JPG', 'e_gt.png', 'sub/c.tiff']


def test_endings_are_a_choice(folder: Path) -> None:
    assert [path.name for path in find_images(folder, ('_GT.png', '.tiff'))] == ['e_gt.png', 'c.tiff']


def test_a_hidden_folder_above_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / '.data').mkdir()
    (tmp_path / '.data' / 'a.png').touch()
    assert [path.name for path in find_images(tmp_path / '.data')] == ['a.png']


def test_links_are_followed_into_a_circle_too(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp('elsewhere')
    (elsewhere / 'z.png').touch()
    (elsewhere / 'back').symlink_to(folder)
    (folder / 'circle').symlink_to(folder)
    (folder / 'linked').symlink_to(elsewhere)
    (folder / 'a second name').symlink_to(folder / 'sub')
    (folder / 'itself.png').symlink_to('itself.png')
    (folder / 'y.png').symlink_to(folder / 'a.png')
    (folder / 'everything').symlink_to('/')
    with pytest.warns(UserWarning, match='left out: ') as warned:
        found = [path.relative_to(folder).as_posix() for path in find_images(folder)]
    assert found == ['a.png', 'b.JPG', 'e_gt.png', 'linked/z.png', 'sub/c.tiff', 'y.png']
    said = sorted(str(each.message).removeprefix(f'left out: {folder}/') for each in warned)
    upwards = [f'{name} leads to a folder that it lies in' for name in ('circle', 'everything', 'linked/back')]
    assert [text.partition(', or')[0] for text in said] == sorted([*upwards, 'itself.png leads nowhere'])


def test_a_folder_that_cannot_be_read_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    iterdir = Path.iterdir

    def refuse(path: Path) -> Iterator[Path]:
        if path.name == 'sub':
            raise PermissionError(13, 'Permission denied')
        return iterdir(path)

    monkeypatch.setattr(Path, 'iterdir', refuse)
    with pytest.warns(UserWarning, match='left out: the folder .*sub cannot be read: Permission denied'):
        assert [path.name for path in find_images(folder)] == ['a.png', 'b.JPG', 'e_gt.png']


def test_images_are_found_by_their_content_and_the_rest_is_counted(folder: Path) -> None:
    heads = {
        'a.jfif': b'\xff\xd8\xff\xe0',
        'IMG_1': b'\x89PNG\r\n\x1a\n',
        'b.GIF': b'GIF89a',
        'c.ppm': b'P6\n1 1\n',
        'wrong.txt': b'II*\0',
        'd.psd': b'8BPS',
        'e.psd': b'8BPS',
        'f.gif': b'of another kind',
        'g': b'',
    }
    for name, head in heads.items():
        (folder / 'sub' / name).write_bytes(head)
    found = search_images(folder)
    assert {path.name for path in found.paths} - {'a.png', 'b.JPG', 'e_gt.png', 'c.tiff'} == {
        'a.jfif',
        'IMG_1',
        'b.GIF',
        'c.ppm',
        'wrong.txt',
    }
    assert found.describe_left_out() == (
        f'left out of {folder}: 2 PSD, which is not read: save it as PNG; 1 no image (.gif); 1 no image (.txt); '
        '1 no image (without an ending)'
    )


def test_heic_is_taken_only_where_its_library_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / 'a.heic').write_bytes(b'\0\0\0\x18ftypheic')
    monkeypatch.setitem(sys.modules, 'pillow_heif', None)
    found = search_images(tmp_path)
    assert not found.paths
    assert found.describe_left_out().endswith('1 HEIC, which needs the extra pillow-heif: pip install pillow-heif')


def test_a_folder_of_results_may_lie_apart(folder: Path) -> None:
    assert [path.name for path in search_images(folder, apart=folder / 'sub').paths] == ['a.png', 'b.JPG', 'e_gt.png']
