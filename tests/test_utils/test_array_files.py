"""Arrays in files of anyone; score maps test the rest."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from focal_mmseg.utils import array_files
from focal_mmseg.utils.array_files import read_array


def image_header(shape: tuple[int, ...]) -> bytes:
    """A ``.npy`` that declares a shape and holds nothing."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, dict(descr='<f4', fortran_order=False, shape=shape))
    return stream.getvalue()


@pytest.mark.parametrize('suffix', ['.npy', '.npz'])
def test_a_small_file_that_unpacks_without_limit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr(array_files, 'MOST_VALUES', 1000)
    monkeypatch.setattr(np.lib.format, 'read_array', None)  # Nothing is read.
    path, content = tmp_path / f'a{suffix}', image_header((100, 200))
    if suffix == '.npz':
        with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
            archive.writestr('map.npy', content + bytes(80_000))
        assert path.stat().st_size < 1000
    else:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r'declares an array of shape \(100, 200\) of float32, more than any image'):
        read_array(path, 'map')


@pytest.mark.parametrize('order', ['C', 'F'])
@pytest.mark.parametrize('save', [np.savez, np.savez_compressed])
def test_an_array_of_an_archive_comes_as_it_was_saved(tmp_path: Path, save, order: str) -> None:
    values = np.asarray(np.random.default_rng(0).random((30, 40)), order=order)
    save(tmp_path / 'a.npz', other=np.ones(3), map=values)
    np.testing.assert_array_equal(read_array(tmp_path / 'a.npz', 'map'), values)
