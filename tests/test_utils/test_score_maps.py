"""Masks and score maps of any tool."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from focal_mmseg.utils import read_image_score, read_score_map

MAP = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)


def saved(path: Path, values: np.ndarray, **named: np.ndarray) -> Path:
    if path.suffix == '.npy':
        np.save(path, values)
    elif path.suffix == '.npz':
        np.savez(path, **named or dict(map=values))
    else:
        assert cv2.imwrite(str(path), values)
    return path


@pytest.mark.parametrize('suffix', ['.npy', '.npz', '.NPZ'])
@pytest.mark.parametrize('kind', [np.float16, np.float32, np.float64])
def test_float_maps_come_as_they_are(tmp_path: Path, suffix: str, kind: type) -> None:
    path = saved(tmp_path / f'map{suffix.lower()}', MAP.astype(kind))
    path = path.rename(tmp_path / f'map{suffix}')
    found = read_score_map(path)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, MAP.astype(kind).astype(np.float32))


@pytest.mark.parametrize('suffix', ['.png', '.npy', '.npz', '.tif', '.bmp'])
@pytest.mark.parametrize(('kind', 'white'), [(np.uint8, 255), (np.uint16, 65535)])
def test_whole_numbers_are_shares_of_white(tmp_path: Path, suffix: str, kind: type, white: int) -> None:
    if suffix == '.bmp' and kind is np.uint16:
        pytest.skip('bitmaps have 8 bits')
    values = np.array([[0, 5, 128], [200, white // 2, white]], kind)
    found = read_score_map(saved(tmp_path / f'map{suffix}', values))
    np.testing.assert_allclose(found, values / white, rtol=1e-6)


def test_truth_values_and_leading_sides_of_one(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read_score_map(saved(tmp_path / 'a.npy', MAP[None, None] > 0.5)), MAP > 0.5)


def test_a_grey_mask_of_three_channels_is_taken(tmp_path: Path) -> None:
    colours = np.zeros((2, 2, 3), np.uint8)
    colours[0] = 255
    np.testing.assert_array_equal(read_score_map(saved(tmp_path / 'a.png', colours)), [[1, 1], [0, 0]])


def test_a_grey_jpeg_is_taken(tmp_path: Path) -> None:
    values = np.zeros((64, 64, 3), np.uint8)
    values[20:40] = 255
    assert cv2.imwrite(str(tmp_path / 'a.jpg'), values)
    np.testing.assert_array_equal(read_score_map(tmp_path / 'a.jpg') > 0.5, values[..., 0] > 127)


@pytest.mark.parametrize('kind', ['palette', 'pure colour', 'heat map'])
def test_colours_are_no_scores(tmp_path: Path, kind: str) -> None:
    mask = np.zeros((16, 16), np.uint8)
    mask[:8] = 1
    path = tmp_path / 'a.png'
    if kind == 'palette':  # As PASCAL VOC's masks: 1 is dark red, of luminance .15.
        drawn = Image.fromarray(mask)
        drawn.putpalette([0, 0, 0, 128, 0, 0] + [0] * 750)
        drawn.save(path)
    else:
        heat = cv2.applyColorMap(np.arange(256, dtype=np.uint8).reshape(16, 16), cv2.COLORMAP_JET)
        cv2.imwrite(str(path), heat if kind == 'heat map' else mask[..., None] * np.array([0, 0, 255], np.uint8))
    with pytest.raises(ValueError, match=r'a\.png is in colour.*save the mask or the score itself in grey'):
        read_score_map(path)


def test_the_tools_own_score_of_the_image_is_read(tmp_path: Path) -> None:
    path = saved(tmp_path / 'a.npz', MAP, map=MAP, score=np.float32(0.75), sure=np.array([[1]]), loud=np.float32(2))
    assert read_image_score(path, 'score') == 0.75 and read_image_score(path, 'sure') == 1
    for key in ('map', 'loud'):
        with pytest.raises(ValueError, match=rf"a\.npz holds under '{key}' no number in \[0, 1\]"):
            read_image_score(path, key)
    with pytest.raises(ValueError, match=r"no array 'other' but map, score"):
        read_image_score(path, 'other')
    with pytest.raises(ValueError, match=r'a\.png is no \.npz.*leave score_key out'):
        read_image_score(tmp_path / 'a.png', 'score')


def test_the_array_of_an_archive_is_chosen_by_its_name(tmp_path: Path) -> None:
    path = saved(tmp_path / 'a.npz', MAP, conf=MAP, score=np.float32(1))
    np.testing.assert_array_equal(read_score_map(path, 'conf'), MAP)
    with pytest.raises(ValueError, match=r"a\.npz has no array 'map' but conf, score: set key"):
        read_score_map(path)
    with pytest.raises(ValueError, match=r'shape \(\)'):
        read_score_map(path, 'score')


def test_zeros_and_ones_need_to_be_told_apart(tmp_path: Path) -> None:
    path = saved(tmp_path / 'a.png', np.eye(3, dtype=np.uint8))
    with pytest.raises(ValueError, match=r'white=1 if it is a mask, or white=255'):
        read_score_map(path)
    np.testing.assert_array_equal(read_score_map(path, white=1), np.eye(3))
    np.testing.assert_allclose(read_score_map(path, white=255), np.eye(3) / 255)
    with pytest.raises(ValueError, match='up to 255, above white=1'):
        read_score_map(saved(tmp_path / 'b.png', np.eye(3, dtype=np.uint8) * 255), white=1)
    # A black map is a black map.
    assert not read_score_map(saved(tmp_path / 'c.png', np.zeros((3, 3), np.uint8))).any()


@pytest.mark.parametrize('worst', [1.5, -0.1, np.nan, np.inf])
def test_scores_out_of_range_are_refused_with_the_remedy(tmp_path: Path, worst: float) -> None:
    values = MAP.copy()
    values[1, 1] = worst
    with pytest.raises(ValueError, match=r'a\.npy has values from .* sigmoid'):
        read_score_map(saved(tmp_path / 'a.npy', values))


@pytest.mark.parametrize('shape', [(2, 3, 4), (5,), (0, 3), (3, 4, 1)])
def test_other_shapes_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r'a\.npy holds an array of shape'):
        read_score_map(saved(tmp_path / 'a.npy', np.zeros(shape)))


@pytest.mark.parametrize('kind', [np.int64, np.complex64])
def test_other_numbers_are_refused(tmp_path: Path, kind: type) -> None:
    with pytest.raises(ValueError, match=r'a\.npy holds (int64|complex64)'):
        read_score_map(saved(tmp_path / 'a.npy', np.zeros((2, 2), kind)))


def test_transparency_is_refused(tmp_path: Path) -> None:
    values = np.zeros((2, 2, 4), np.uint8)
    values[0, 0, 3] = 255
    with pytest.raises(ValueError, match='partly transparent'):
        read_score_map(saved(tmp_path / 'a.png', values))


@pytest.mark.parametrize('suffix', ['.png', '.npy', '.npz'])
def test_truncated_and_missing_files_are_named(tmp_path: Path, suffix: str) -> None:
    path = saved(tmp_path / f'a{suffix}', np.random.default_rng(0).integers(0, 255, (90, 90)).astype(np.uint8))
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(ValueError, match=rf'a\{suffix} cannot be read'):
        read_score_map(path)
    path.write_bytes(b'')
    with pytest.raises(ValueError, match=rf'a\{suffix} cannot be read'):
        read_score_map(path)
    with pytest.raises(FileNotFoundError, match='nowhere'):
        read_score_map(tmp_path / f'nowhere{suffix}')


@pytest.mark.parametrize('suffix', ['.npy', '.npz'])
def test_objects_are_not_unpickled(tmp_path: Path, suffix: str) -> None:
    class Trap:
        def __reduce__(self) -> tuple:
            return Path.touch, (tmp_path / 'sprung',)

    path = saved(tmp_path / f'a{suffix}', np.array([[Trap()]], object))
    with pytest.raises(ValueError, match='cannot be read'):
        read_score_map(path)
    assert not (tmp_path / 'sprung').exists()
