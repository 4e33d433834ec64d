"""Coefficients of JPEG files, against transforms and turns that are written anew."""

import builtins
from io import BytesIO

import cv2
import jpeglib
import numpy as np
import pytest
from PIL import Image, ImageOps
from scipy.fft import dctn, idctn

from focal_mmseg.datasets.jpeg import encode_jpeg
from focal_mmseg.utils.jpeg import ORIENTATIONS, Luma, exif_orientation, is_jpeg, orient, read_luma

# ITU-T T.81, table K.1, its first column: libjpeg's steps of vertical frequencies at quality 50.
FIRST_COLUMN = (16, 12, 14, 14, 18, 24, 49, 72)
SIZES = [(64, 40), (61, 93), (8, 8), (1, 1), (9, 7), (7, 200)]


def smooth(height: int, width: int, channels: int = 1) -> np.ndarray:
    """Grey levels or colours far from black and white, so that nothing is clipped."""
    noise = np.random.default_rng(height * 1000 + width).uniform(0, 255, (height, width, channels)).astype(np.float32)
    blurred = cv2.GaussianBlur(noise, (0, 0), 1.0).reshape(noise.shape)
    return np.clip(np.rint(128 + 0.9 * (blurred - 128)), 40, 215).astype(np.uint8).squeeze(-1 if channels == 1 else ())


def saved(image: np.ndarray, **options: object) -> bytes:
    file = BytesIO()
    Image.fromarray(image).save(file, 'JPEG', **{'quality': 75, **options})
    return file.getvalue()


def decoded(luma: Luma) -> np.ndarray:
    """Grey levels of the blocks, by another inverse transform."""
    levels = idctn(luma.blocks.astype(float) * luma.table, axes=(2, 3), norm='ortho') + 128
    return levels.transpose(0, 2, 1, 3).reshape(luma.blocks.shape[0] * 8, -1)


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('options', [{}, {'progressive': True}, {'quality': 50}], ids=['baseline', 'progressive', '50'])
def test_coefficients_are_those_of_the_decoded_blocks(size: tuple[int, int], options: dict) -> None:
    content = saved(smooth(*size), **options)
    luma = read_luma(content)
    assert luma.blocks.dtype == np.int16 and luma.table.dtype == np.float32
    assert luma.blocks.shape == (-(-size[0] // 8), -(-size[1] // 8), 8, 8)
    assert luma.table.ravel().tolist() == Image.open(BytesIO(content)).quantization[0]
    pixels = np.asarray(Image.open(BytesIO(content)), float)
    # Whole blocks alone: what a file holds beyond its image is not decoded.
    rows, columns = (side // 8 for side in size)
    blocks = pixels[: rows * 8, : columns * 8].reshape(rows, 8, columns, 8).transpose(0, 2, 1, 3) - 128
    again = np.rint(dctn(blocks, axes=(2, 3), norm='ortho') / luma.table)
    assert np.array_equal(luma.blocks[:rows, :columns], again)
    assert np.abs(decoded(luma)[: size[0], : size[1]] - pixels).max() <= 1


@pytest.mark.parametrize('frequency', range(1, 8))
def test_one_wave_is_one_coefficient_in_its_row(frequency: int) -> None:
    cosine = np.cos((2 * np.arange(8) + 1) * frequency * np.pi / 16)
    wave = np.rint(40 * cosine)
    content = saved((128 + np.tile(wave[:, None], (1, 8))).astype(np.uint8), quality=50)
    luma = read_luma(content)
    expected = np.zeros((8, 8))
    # T.81's forward transform of 8 equal columns.
    expected[frequency, 0] = np.rint(8 * (wave * cosine).sum() / (4 * np.sqrt(2)) / FIRST_COLUMN[frequency])
    assert tuple(luma.table[:, 0]) == FIRST_COLUMN
    assert np.array_equal(luma.blocks[0, 0], expected)
    coefficients, steps = luma.planes()
    assert coefficients.shape == steps.shape == (8, 8) and coefficients.dtype == np.float32
    assert coefficients[frequency, 0] == expected[frequency, 0] and steps[frequency, 0] == FIRST_COLUMN[frequency]


def test_planes_lie_on_the_grid_of_the_pixels() -> None:
    luma = read_luma(saved(smooth(24, 40)))
    coefficients, steps = luma.planes()
    for y in range(24):
        for x in range(40):
            assert coefficients[y, x] == luma.blocks[y // 8, x // 8, y % 8, x % 8]
            assert steps[y, x] == luma.table[y % 8, x % 8]


SUBSAMPLINGS = ('411', '420', '422', '440', '444')


@pytest.mark.parametrize('subsampling', SUBSAMPLINGS)
@pytest.mark.parametrize('size', SIZES)
def test_colours_of_any_resolution_leave_the_luma_alone(subsampling: str, size: tuple[int, int]) -> None:
    grey = smooth(*size)
    factor = getattr(cv2, f'IMWRITE_JPEG_SAMPLING_FACTOR_{subsampling}')
    options = [cv2.IMWRITE_JPEG_QUALITY, 75, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor]
    content = cv2.imencode('.jpg', np.dstack([grey] * 3), options)[1].tobytes()
    luma, of_grey = read_luma(content), read_luma(cv2.imencode('.jpg', grey, options[:2])[1].tobytes())
    assert np.array_equal(luma.blocks, of_grey.blocks) and np.array_equal(luma.table, of_grey.table)


@pytest.mark.parametrize('orientation', ORIENTATIONS)
@pytest.mark.parametrize('size', [(64, 40), (8, 24)])
def test_a_turned_luma_is_that_of_the_turned_image(orientation: int, size: tuple[int, int]) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = saved(smooth(*size), exif=exif)
    assert exif_orientation(content) == orientation
    image = Image.open(BytesIO(content))
    turned = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(orient(np.asarray(image), orientation), turned)
    assert np.abs(decoded(read_luma(content).oriented(orientation)) - turned).max() <= 1


def test_an_asymmetric_table_turns_with_its_coefficients() -> None:
    table = (np.arange(64) % 60 + 2).tolist()
    luma = read_luma(saved(smooth(16, 32), qtables=[table], quality=-1))
    assert luma.table.ravel().tolist() == table
    assert np.array_equal(luma.oriented(6).table, luma.table.T) and np.array_equal(luma.oriented(3).table, luma.table)
    for orientation, inverse in {**{o: o for o in (1, 2, 3, 4, 5, 7)}, 6: 8, 8: 6}.items():
        back = luma.oriented(orientation).oriented(inverse)
        assert np.array_equal(back.blocks, luma.blocks) and np.array_equal(back.table, luma.table)


@pytest.mark.parametrize('found', [0, 9, 77])
def test_an_orientation_that_is_none_counts_as_upright(found: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = found
    assert exif_orientation(saved(smooth(8, 8), exif=exif)) == exif_orientation(saved(smooth(8, 8))) == 1


def test_cmyk_and_stored_rgb_have_no_luma() -> None:
    colours = Image.fromarray(smooth(32, 40, 3))
    for options in (dict(image=colours.convert('CMYK')), dict(image=colours, keep_rgb=True)):
        file = BytesIO()
        options.pop('image').save(file, 'JPEG', **options)
        assert is_jpeg(file.getvalue()) and read_luma(file.getvalue()) is None


def test_luma_below_full_resolution_is_none() -> None:
    grey = smooth(32, 40)
    content = bytearray(cv2.imencode('.jpg', np.dstack([grey] * 3))[1].tobytes())
    start = content.index(b'\xff\xc0')
    # The sampling factors of luma and of the first chroma, swapped: their blocks are as many as before.
    assert (content[start + 11], content[start + 14], content[start + 17]) == (0x22, 0x11, 0x11)
    content[start + 11], content[start + 14] = 0x11, 0x22
    assert read_luma(bytes(content)) is None


def segment(content: bytes, marker: int) -> tuple[int, int]:
    """Where a segment begins and ends."""
    start = content.index(bytes([0xFF, marker]))
    return start, start + 2 + int.from_bytes(content[start + 2 : start + 4], 'big')


def damaged(kind: str) -> bytes:
    content = cv2.imencode('.jpg', smooth(32, 40, 3))[1].tobytes()
    (table, after), frame = segment(content, 0xDB), segment(content, 0xC0)[0]
    return {
        'zero-length table': content[:table] + b'\xff\xdb\x00\x02' + content[after:],
        'table cut off': content[: table + 30],
        'no table': content[:table] + content[after:],
        '12 bits': content[: frame + 4] + b'\x0c' + content[frame + 5 :],
        'lossless': content[: frame + 1] + b'\xc3' + content[frame + 2 :],
        'no rows': content[: frame + 5] + b'\x00\x00' + content[frame + 7 :],
        'start alone': content[:3],
    }[kind]


@pytest.mark.parametrize(
    'kind', ['zero-length table', 'table cut off', 'no table', '12 bits', 'lossless', 'no rows', 'start alone']
)
def test_files_without_coefficients_are_refused(kind: str) -> None:
    with pytest.raises(ValueError, match='coefficients cannot be read'):
        read_luma(damaged(kind))


def test_a_step_of_zero_is_refused() -> None:
    content = cv2.imencode('.jpg', smooth(32, 40, 3))[1].tobytes()
    start = segment(content, 0xDB)[0] + 5
    with pytest.raises(ValueError, match='quantisation table has a step of 0'):
        read_luma(content[:start] + b'\x00' * 64 + content[start + 64 :])


def test_arithmetic_coding_is_refused(tmp_path) -> None:
    with jpeglib.version('turbo210'):
        jpeglib.from_spatial(smooth(32, 40, 3)).write_spatial(str(tmp_path / 'a.jpg'), flags=['+ARITH_CODE'])
    content = (tmp_path / 'a.jpg').read_bytes()
    assert b'\xff\xc9' in content
    with pytest.raises(ValueError, match='arithmetic coding'):
        read_luma(content)


def test_damaged_files_never_end_the_process() -> None:
    rng = np.random.default_rng(0)
    content = cv2.imencode('.jpg', smooth(61, 93, 3))[1].tobytes()
    refused = 0
    for _ in range(300):
        bad = bytearray(content[: rng.integers(4, len(content))] if rng.random() < 0.5 else content)
        bad[rng.integers(3, min(len(bad), 700))] = rng.integers(256)
        try:
            read_luma(bytes(bad))
        except ValueError:
            refused += 1
    assert 30 < refused < 300


def test_quality_100_has_steps_of_one() -> None:
    image = smooth(33, 47, 3)
    content = encode_jpeg(image, 100, '4:4:4')
    assert (read_luma(content).table == 1).all()
    assert np.abs(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR).astype(int) - image).max() <= 4
    # Full colour resolution: as many blocks of chroma as of luma.
    assert [layer[1:3] for layer in Image.open(BytesIO(content)).layer] == [(1, 1)] * 3
    with pytest.raises(ValueError, match='70000x1 pixels does not fit'):
        encode_jpeg(np.zeros((1, 70000, 3), np.uint8), 100, '4:4:4')


def test_a_missing_jpeglib_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = builtins.__import__

    def without(name: str, *args: object) -> object:
        if name == 'jpeglib':
            raise ImportError('No module named jpeglib')
        return plain(name, *args)

    monkeypatch.setattr(builtins, '__import__', without)
    with pytest.raises(ImportError, match=r"pip install '\.\[jpeg\]'"):
        read_luma(saved(smooth(8, 8)))
