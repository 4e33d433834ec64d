"""Images of every kind: read through Pillow what OpenCV must not decode, or called by their names."""

import io
import struct
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine import fileio
from PIL import Image, ImageOps

from focal_mmseg.utils import check_image_size, decodable, image_bytes, read_image
from focal_mmseg.utils.image_files import blend_onto_white

IMAGE = Image.fromarray(cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8), (0, 0), 3))
BY_PILLOW = {'GIF': '.gif', 'JPEG2000': '.jp2', 'AVIF': '.avif', 'HEIF': '.heic'}


def encoded(kind: str, image: Image.Image = IMAGE, **options: object) -> bytes:
    if kind == 'HEIF':
        pytest.importorskip('pillow_heif').register_heif_opener()
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def reference(content: bytes) -> np.ndarray:
    """RGB as Pillow reads it by itself."""
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert('RGB'))


@pytest.mark.parametrize('name', ['whatever', 'a.jpg', None], ids=str)
@pytest.mark.parametrize('kind', BY_PILLOW)
def test_what_pillow_reads_is_read_alike_under_any_name(tmp_path: Path, kind: str, name: str | None) -> None:
    path = tmp_path / (name or f'a{BY_PILLOW[kind]}')
    path.write_bytes(encoded(kind))
    check_image_size(path)
    np.testing.assert_array_equal(read_image(path)[..., ::-1], reference(path.read_bytes()))
    # The way of mmcv's own loader.
    content = fileio.get(str(path), backend_args=dict(backend='any_image'))
    np.testing.assert_array_equal(cv2.imdecode(np.frombuffer(content, np.uint8), 1), read_image(path))


@pytest.mark.parametrize('kind', ['BMP', 'JPEG', 'PNG', 'PPM', 'TIFF', 'WEBP'])
def test_what_opencv_reads_keeps_its_bytes(kind: str) -> None:
    content = encoded(kind)
    assert decodable(content, 'a') == content


def of_backend(path: Path, **options: object) -> np.ndarray:
    """RGB as mmcv's loader decodes it."""
    content = fileio.get(str(path), backend_args=dict(backend='any_image', **options))
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


@pytest.mark.parametrize(('kind', 'mode'), [('PNG', 'RGBA'), ('PNG', 'LA'), ('TIFF', 'RGBA'), ('PNG', 'palette')])
def test_transparency_is_blended_onto_white_where_that_is_asked(tmp_path: Path, kind: str, mode: str) -> None:
    opacity = np.linspace(0, 255, 48 * 64).reshape(48, 64).astype(np.uint8)
    if mode == 'palette':
        image = IMAGE.quantize(8)
        (tmp_path / 'a').write_bytes(encoded(kind, image, transparency=3))
        opacity = np.where(np.asarray(image) == 3, 0, 255)
        colours = np.asarray(image.convert('RGB'))
    else:
        image = IMAGE.convert(mode)
        image.putalpha(Image.fromarray(opacity))
        (tmp_path / 'a').write_bytes(encoded(kind, image))
        colours = np.asarray(image.convert('RGB'))
    share = opacity[..., None] / 255
    wanted = share * colours + (1 - share) * 255
    np.testing.assert_allclose(of_backend(tmp_path / 'a', transparent='white'), wanted, atol=0.51)
    # OpenCV itself blends the transparent parts of TIFF onto black.
    dropped = np.floor(share * colours + 0.5) if kind == 'TIFF' else colours
    np.testing.assert_allclose(of_backend(tmp_path / 'a'), dropped, atol=kind == 'TIFF')


@pytest.mark.parametrize('kind', ['BMP', 'JPEG', 'PNG', 'TIFF', 'WEBP'])
def test_an_opaque_image_keeps_its_bytes_on_white(kind: str) -> None:
    assert blend_onto_white(encoded(kind), 'a') == encoded(kind)


def test_a_damaged_transparent_image_and_another_ground_are_refused(tmp_path: Path) -> None:
    (tmp_path / 'cut.png').write_bytes(encoded('PNG', IMAGE.convert('RGBA'))[:400])
    with pytest.raises(ValueError, match=r'cut\.png cannot be read'):
        of_backend(tmp_path / 'cut.png', transparent='white')
    with pytest.raises(ValueError, match="must be None or 'white', got 'black'"):
        fileio.get(str(tmp_path / 'cut.png'), backend_args=dict(backend='any_image', transparent='black'))


def test_a_gif_gives_its_first_frame(tmp_path: Path) -> None:
    frames = [Image.new('RGB', (9, 7), colour) for colour in ('red', 'blue')]
    (tmp_path / 'a.gif').write_bytes(encoded('GIF', frames[0], save_all=True, append_images=frames[1:]))
    assert (read_image(tmp_path / 'a.gif') == (0, 0, 255)).all()


def test_grey_of_16_bits_keeps_them() -> None:
    values = np.linspace(0, 65535, 48 * 64).astype(np.uint16).reshape(48, 64)
    content = decodable(encoded('JPEG2000', Image.fromarray(values), irreversible=False), 'a')
    found = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, values)


def test_transparency_stays_to_be_seen() -> None:
    image = IMAGE.convert('RGBA')
    image.putalpha(Image.fromarray(np.arange(48 * 64, dtype=np.uint8).reshape(48, 64)))
    content = decodable(encoded('AVIF', image, quality=100), 'a')
    assert np.ptp(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)[..., 3]) > 200


@pytest.mark.parametrize('orientation', [3, 6, 8])
def test_an_avif_is_turned_as_its_exif_says(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded('AVIF', exif=exif)
    found = cv2.imdecode(np.frombuffer(decodable(content, 'a'), np.uint8), 1)[..., ::-1]
    np.testing.assert_array_equal(found, reference(content))
    assert found.shape[:2] == ((48, 64) if orientation == 3 else (64, 48))


@pytest.mark.parametrize(('head', 'says'), [(b'8BPS\0\1', 'PSD'), (b'#?RADIANCE\n', 'Radiance HDR'), (b'qoif', 'QOI')])
def test_a_known_kind_that_is_not_read_is_called_by_its_name(tmp_path: Path, head: bytes, says: str) -> None:
    (tmp_path / 'a.jpg').write_bytes(head + bytes(100))
    with pytest.raises(ValueError, match=rf'a\.jpg cannot be read: it is {says}, which is not read: save it as PNG'):
        image_bytes(tmp_path / 'a.jpg')
    assert read_image(tmp_path / 'a.jpg') is None


def test_without_its_library_heic_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'pillow_heif', None)
    (tmp_path / 'a').write_bytes(b'\0\0\0\x18ftypheic' + bytes(100))
    with pytest.raises(ValueError, match=r'it is HEIC, which needs the extra pillow-heif: pip install pillow-heif'):
        check_image_size(tmp_path / 'a')


@pytest.mark.parametrize('kind', BY_PILLOW)
def test_a_truncated_file_is_named(tmp_path: Path, kind: str) -> None:
    content = encoded(kind)
    (tmp_path / 'a').write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r'/a cannot be read: it is (damaged|no image), or truncated'):
        image_bytes(tmp_path / 'a')


# A GIF of 26 bytes that declares 16,000 x 11,000 pixels: OpenCV takes ten seconds for such.
GIANT_GIF = (
    b'GIF89a'
    + struct.pack('<HH', 16_000, 11_000)
    + b'\0\0\0,\0\0\0\0'
    + struct.pack('<HH', 16_000, 11_000)
    + b'\0\2\1\4\0;'
)


def test_a_gif_of_few_bytes_that_declares_a_large_one_takes_no_time() -> None:
    start = time.perf_counter()
    with pytest.raises(ValueError, match='cannot be read'):
        decodable(GIANT_GIF, 'a.gif')
    assert time.perf_counter() - start < 3


@pytest.mark.parametrize('pixels', [(60_000, 60_000), (60_000, 9)], ids=str)
def test_a_codestream_that_declares_more_than_its_header_is_refused(pixels: tuple[int, int]) -> None:
    content = bytearray(encoded('JPEG2000'))
    place = content.index(b'\xff\x4f\xff\x51') + 8
    struct.pack_into('>II', content, place, *pixels)
    if pixels[1] == 9:
        struct.pack_into('>II', content, place + 16, 60_000, 60_000)
    with pytest.raises(ValueError, match='declares too many pixels'):
        decodable(bytes(content), 'a.jp2')
