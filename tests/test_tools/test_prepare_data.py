"""tools/prepare_data.py on a miniature of CASIA v1."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

NO_MASK = 'Sp_D_NRN_A_cha0011_sec0011_0542'


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """Two forgeries, the one that is known to have no mask, and a pristine image."""
    folder = tmp_path / 'CASIA1'
    rng = np.random.default_rng(0)
    for name in ('Sp_D_a_b_1', 'Sp_S_a_a_2', NO_MASK, 'Au_ani_0001'):
        (folder / 'Tp').mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / 'Tp' / f'{name}.jpg'), rng.integers(0, 256, (24, 32, 3), np.uint8))
    for name in ('Sp_D_a_b_1', 'Sp_S_a_a_2'):
        mask = np.zeros((24, 32), np.uint8)
        mask[4:12, 4:12] = 255
        (folder / 'Gt').mkdir(exist_ok=True)
        cv2.imwrite(str(folder / 'Gt' / f'{name}_gt.png'), mask)
    return folder


@pytest.fixture
def prepare(root: Path, run_tool: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """Runs the tool in the test's folder; its exit code, or what it ends with."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> object:
        try:
            run_tool(root / 'tools' / 'prepare_data.py', *arguments)
        except SystemExit as stop:
            return stop.code
        return 0

    return run


def test_the_table_and_what_is_known_to_be_missing(
    prepare: Callable, release: Path, capsys: pytest.CaptureFixture
) -> None:
    assert prepare('casia1', release) == 0
    out = capsys.readouterr().out
    for row in ('|   splice  |     1     |      461       |', '|  pristine |     1     |      800       |'):
        assert row in out
    assert f'left out, as is known of the release: Tp/{NO_MASK}.jpg: its mask' in out
    assert 'written to data/casia1: use data_root=data/casia1, ann_file=index.tsv' in out
    assert Path('data/casia1/images/splice/Sp_D_a_b_1.jpg').is_symlink()


def test_what_should_not_be_missing_is_a_failure(
    prepare: Callable, release: Path, capsys: pytest.CaptureFixture
) -> None:
    (release / 'Gt' / 'Sp_S_a_a_2_gt.png').unlink()
    assert '1 images were left out' in prepare('casia1', release)
    assert 'left out: Tp/Sp_S_a_a_2.jpg: its mask' in capsys.readouterr().out


def test_copies_into_another_folder(prepare: Callable, release: Path, tmp_path: Path) -> None:
    assert prepare('casia1', release, '--out', tmp_path / 'mine', '--copy') == 0
    copy = tmp_path / 'mine' / 'images' / 'copy-move' / 'Sp_S_a_a_2.jpg'
    assert not copy.is_symlink() and copy.read_bytes() == (release / 'Tp' / 'Sp_S_a_a_2.jpg').read_bytes()
    assert not Path('data').exists()


def test_notes_are_said(prepare: Callable, release: Path, capsys: pytest.CaptureFixture) -> None:
    (release / 'list.txt').write_text('Tp/Sp_D_a_b_1.jpg Gt/Sp_D_a_b_1_gt.png 1\n')
    assert prepare('casia1plus', release) == 0
    assert 'note: images are those of list.txt' in capsys.readouterr().out


def test_a_wrong_source_is_said_in_a_line(prepare: Callable, tmp_path: Path) -> None:
    (tmp_path / 'empty').mkdir()
    assert 'empty holds no image of Coverage' in prepare('coverage', tmp_path / 'empty')
    assert 'the folder nowhere does not exist' in prepare('coverage', 'nowhere')


def test_a_share_that_may_be_left_out_can_be_given(
    prepare: Callable, release: Path, capsys: pytest.CaptureFixture
) -> None:
    (release / 'Gt' / 'Sp_S_a_a_2_gt.png').unlink()
    said = prepare('casia1', release)
    assert 'a mask has the name of its image' in said and 'no index is written' in said
    assert not Path('data/casia1/index.tsv').exists()
    assert (
        prepare('casia1', release, '--most-left-out', '0.5')
        == '1 images were left out that the release should have whole'
    )
    assert Path('data/casia1/index.tsv').is_file()
    assert prepare('casia1', release, '--most-left-out', '5') == 2
    assert 'must be a number in 0..1' in capsys.readouterr().err


def test_images_that_no_rule_takes_are_counted(prepare: Callable, release: Path, capsys: pytest.CaptureFixture) -> None:
    (release / 'other').mkdir()
    (release / 'Gt' / 'Sp_D_a_b_1_gt.png').rename(release / 'other' / 'mask.png')
    (release / 'Tp' / 'Sp_D_a_b_1.jpg').rename(release / 'other' / 'x.jpg')
    assert prepare('casia1', release) == 0
    assert 'images that no rule of this set takes: 2 in other' in capsys.readouterr().out
