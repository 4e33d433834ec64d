"""Images in files of any name."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from focal_mmseg.utils import read_image, write_image

NAMES = ('a.png', 'ünïcode 图像.png', os.fsdecode(b'caf\xe9.png'))


@pytest.mark.parametrize('name', NAMES, ids=ascii)
def test_what_is_written_is_read(tmp_path: Path, name: str) -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    write_image(tmp_path / 'folder' / name, image)
    np.testing.assert_array_equal(read_image(str(tmp_path / 'folder' / name)), image)
    grey = read_image(tmp_path / 'folder' / name, cv2.IMREAD_GRAYSCALE)
    assert grey.shape == (5, 7)


def test_a_file_is_the_one_that_opencv_writes(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 65536, (5, 7), np.uint16)
    write_image(tmp_path / 'ours.png', image)
    cv2.imwrite(str(tmp_path / 'theirs.png'), image)
    assert (tmp_path / 'ours.png').read_bytes() == (tmp_path / 'theirs.png').read_bytes()


def test_what_is_missing_or_no_image_is_none(tmp_path: Path) -> None:
    (tmp_path / 'empty.png').touch()
    (tmp_path / 'text.png').write_text('no image')
    for name in ('empty.png', 'text.png', 'nowhere.png'):
        assert read_image(tmp_path / name) is None


def test_nothing_half_written_stays_when_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, 'imencode', lambda ending, image: (False, None))
    with pytest.raises(OSError, match=r'cannot write .*a\.png'):
        write_image(tmp_path / 'a.png', np.zeros((4, 4), np.uint8))
    assert not list(tmp_path.iterdir())
