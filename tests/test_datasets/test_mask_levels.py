"""Areas of grey in masks: refused; edges, noise and encodings are not."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from focal_mmseg.datasets.transforms.loading import read_forgery_mask


def objects(*levels: int, shape: tuple[int, int] = (60, 90), side: int = 16) -> np.ndarray:
    """A black mask with a square of each level."""
    mask = np.zeros(shape, np.uint8)
    for number, level in enumerate(levels):
        mask[20 : 20 + side, 4 + number * (side + 4) :][:, :side] = level
    return mask


@pytest.fixture
def saved(tmp_path: Path):
    """Writes a mask and gives its path."""

    def write(mask: np.ndarray, name: str = 'mask.png', options: tuple = ()) -> str:
        assert cv2.imwrite(str(tmp_path / name), mask, options)
        return str(tmp_path / name)

    return write


@pytest.mark.parametrize('forged_is', ['white', 'black'])
@pytest.mark.parametrize('levels', [(100, 200), (85, 170, 255), (2, 255), (126, 255), (40, 80, 120, 160, 200)])
def test_objects_of_several_levels_are_refused_with_the_levels_and_the_option(saved, levels, forged_is) -> None:
    mask = objects(*levels) if forged_is == 'white' else 255 - objects(*levels)
    path = saved(mask)
    found = [level for level in levels if level < 127]
    found = found if forged_is == 'white' else [255 - level for level in found][::-1]
    says = (
        f'{path} has more levels than black and white: .*what is {", ".join(map(str, found))} would count as pristine'
    )
    with pytest.raises(ValueError, match=rf'{says}: set mask_threshold in the dataset config'):
        read_forgery_mask(path, forged_is)


def test_red_and_green_are_refused_and_the_threshold_is_the_remedy(saved) -> None:
    mask = np.zeros((60, 90, 3), np.uint8)
    mask[20:40, 4:24, 2] = 255
    mask[20:40, 40:60, 1] = 255
    path = saved(mask)
    with pytest.raises(
        ValueError, match=r'0 \(85\.2%\), 76 \(7\.4%\), 1(49|50) \(7\.4%\); .*to 0 if all but black is forged'
    ):
        read_forgery_mask(path)
    np.testing.assert_array_equal(read_forgery_mask(path, threshold=0), mask.any(2))


def test_a_threshold_that_is_set_decides_either_way(saved) -> None:
    path = saved(objects(100, 200))
    assert read_forgery_mask(path, threshold=0).sum() == 2 * 16 * 16
    assert read_forgery_mask(path, threshold=128).sum() == 16 * 16


@pytest.mark.parametrize('quality', [95, 85, 75])
def test_levels_are_seen_through_jpeg(saved, quality) -> None:
    path = saved(objects(100, 200, side=36, shape=(80, 90)), 'mask.jpg', (cv2.IMWRITE_JPEG_QUALITY, quality))
    with pytest.raises(ValueError, match='more levels than black and white'):
        read_forgery_mask(path)


def test_labels_beside_what_does_not_count_are_refused(saved) -> None:
    with pytest.raises(ValueError, match='what is 1 would count as pristine'):
        read_forgery_mask(saved(objects(1, 255)))


@pytest.mark.parametrize('low', [100, 25700])
def test_levels_of_16_bits_are_refused_too(saved, low) -> None:
    mask = objects(0, 255).astype(np.uint16) * np.uint16(257)
    mask[20:36, 4:20] = low
    with pytest.raises(ValueError, match=rf'what is {low} would count as pristine'):
        read_forgery_mask(saved(mask))


@pytest.mark.parametrize('sigma', [0.5, 1, 2, 4, 8, 16])
def test_soft_edges_are_no_levels(saved, sigma) -> None:
    soft = cv2.GaussianBlur(objects(255, 255, side=30, shape=(120, 160)), (0, 0), sigma)
    if soft.max() > 127:
        np.testing.assert_array_equal(read_forgery_mask(saved(soft)), soft > 127)
        np.testing.assert_array_equal(read_forgery_mask(saved(soft), 'black'), soft <= 127)


@pytest.mark.parametrize('factor', [2, 3, 4])
def test_the_edges_of_a_smaller_mask_are_no_levels(saved, factor) -> None:
    small = cv2.resize(
        objects(255, 255, side=31, shape=(121, 163)), (0, 0), fx=1 / factor, fy=1 / factor, interpolation=3
    )
    np.testing.assert_array_equal(read_forgery_mask(saved(small)), small > 127)


def test_the_black_and_white_of_video_are_no_levels(saved) -> None:
    mask = objects(219) + np.uint8(16)
    assert read_forgery_mask(saved(mask)).sum() == 16 * 16
    assert read_forgery_mask(saved(mask), 'black').sum() == 60 * 90 - 16 * 16


# --- one region in every encoding

LOSSLESS = ('0/1', '0/255', '0/200', 'colour', 'palette', '16 bits', 'one bit', 'gif', 'tiff', 'bmp', 'pgm', 'jp2')


def as_encoded(forged: np.ndarray, how: str) -> tuple[str, bytes]:
    """A region as a file: its ending and bytes."""
    grey = Image.fromarray(forged.astype(np.uint8) * 255)
    kind, options = {'gif': 'GIF', 'tiff': 'TIFF', 'bmp': 'BMP', 'pgm': 'PPM', 'jp2': 'JPEG2000'}.get(how, 'PNG'), {}
    if how == '0/1':
        grey = Image.fromarray(forged.astype(np.uint8))
    elif how == '0/200':
        grey = Image.fromarray(forged.astype(np.uint8) * 200)
    elif how == 'colour':
        grey = grey.convert('RGB')
    elif how == 'palette':
        grey = Image.fromarray(forged.astype(np.uint8), 'P')
        grey.putpalette([0, 0, 0, 255, 255, 255])
    elif how == '16 bits':
        grey = Image.fromarray(forged.astype(np.uint16) * np.uint16(65535))
    elif how == 'one bit':
        grey = Image.fromarray(forged)
    elif how.startswith('jpeg'):
        kind, options = 'JPEG', dict(quality=int(how[4:]))
    buffer = io.BytesIO()
    grey.save(buffer, kind, **options)
    return how, buffer.getvalue()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    how=st.sampled_from([*LOSSLESS, 'jpeg60', 'jpeg80', 'jpeg95', 'jpeg100']),
    forged_is=st.sampled_from(['white', 'black']),
)
def test_a_region_is_the_same_in_every_encoding(tmp_path_factory, seed, how, forged_is) -> None:
    rng = np.random.default_rng(seed)
    forged = cv2.resize(rng.integers(0, 256, (5, 6), np.uint8), (60, 50), interpolation=cv2.INTER_CUBIC) > 128
    if how in ('0/1', '0/200', 'palette') and forged.all():
        forged[0, 0] = False
    path = tmp_path_factory.mktemp('mask') / 'mask'
    path.write_bytes(as_encoded(forged, how)[1])
    found = read_forgery_mask(str(path), forged_is) == (1 if forged_is == 'white' else 0)
    # What JPEG does to a pixel beside the edge no reader can undo.
    assert (found != forged).mean() <= (0.02 if how.startswith('jpeg') else 0)


@settings(max_examples=60, deadline=None)
@given(
    levels=st.lists(st.integers(0, 255), min_size=1, max_size=4, unique=True),
    forged_is=st.sampled_from(['white', 'black']),
)
def test_no_object_is_lost_in_silence(tmp_path_factory, levels, forged_is) -> None:
    ground = 0 if forged_is == 'white' else 255
    mask = np.full((60, 120), ground, np.uint8)
    for number, level in enumerate(levels):
        mask[10:40, 6 + 28 * number :][:, :24] = level
    path = tmp_path_factory.mktemp('mask') / 'mask.png'
    cv2.imwrite(str(path), mask)
    try:
        found = read_forgery_mask(str(path), forged_is)
    except ValueError:
        return
    np.testing.assert_array_equal(found[np.abs(mask.astype(int) - ground) > 1], 1)
