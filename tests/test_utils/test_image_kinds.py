"""The kind of a file by its first bytes."""

import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from focal_mmseg.utils.image_kinds import HEAD, READ, image_ending, image_kind

IMAGE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8))
OURS = {'WEBP': 'WebP', 'JPEG2000': 'JPEG 2000'}
OTHERS = {'DDS': 'DDS', 'ICO': 'icon', 'QOI': 'QOI', 'PDF': 'PDF', 'EPS': 'PostScript', 'SGI': 'SGI', 'PCX': 'PCX'}
MADE = {
    'JPEG XL': b'\xff\x0a' + bytes(40),
    'PSD': b'8BPS\0\1' + bytes(40),
    'Radiance HDR': b'#?RADIANCE\n' + bytes(40),
    'OpenEXR': b'\x76\x2f\x31\x01' + bytes(40),
    'Sun raster': struct.pack('>8I', 0x59A66A95, 9, 9, 24, 243, 1, 0, 0),
    'SVG': b'<?xml version="1.0"?>\n<!-- drawn -->\n<svg width="9">',
    'video': b'\0\0\0\x20ftypisom' + bytes(20),
    'camera RAW': b'II*\0\x10\0\0\0CR\2\0' + bytes(20),
    'HEIC': b'\0\0\0\x18ftypmif1\0\0\0\0mif1heic' + bytes(20),
    'AVIF': b'\0\0\0\x1cftypmif1\0\0\0\0mif1miafavif' + bytes(20),
}


@pytest.mark.parametrize('kind', ['BMP', 'JPEG', 'PNG', 'PPM', 'TIFF', 'WEBP', 'GIF', 'JPEG2000', 'AVIF', *OTHERS])
def test_what_pillow_writes_is_told(kind: str) -> None:
    buffer = io.BytesIO()
    IMAGE.save(buffer, kind)
    assert image_kind(buffer.getvalue()[:HEAD]) == {**OURS, **OTHERS}.get(kind, kind)


@pytest.mark.parametrize('kind', MADE)
def test_kinds_that_pillow_does_not_write_are_told(kind: str) -> None:
    assert image_kind(MADE[kind]) == kind


def test_raw_files_are_tiff_but_for_their_names() -> None:
    head = b'II*\0\x08\0\0\0' + bytes(40)
    assert [image_kind(head, name) for name in ('a.tif', 'a.NEF', 'a.dng', 'a')] == ['TIFF'] + ['camera RAW'] * 2 + [
        'TIFF'
    ]


@pytest.mark.parametrize(
    'content', [b'', b'B', b'BMW is a car, and this is a text about it', b'notes', b'P5', b'\0' * 600]
)
def test_texts_are_no_images(content: bytes) -> None:
    assert image_kind(content) == ''


@given(st.binary(max_size=HEAD))
def test_any_bytes_are_of_one_kind_or_none(content: bytes) -> None:
    assert isinstance(image_kind(content), str)


def test_endings_are_those_of_kinds_that_are_read() -> None:
    assert [image_ending(name) for name in ('a.JFIF', 'b/c.d.heic', 'IMG.2024', 'd.psd', 'none')] == [
        '.JFIF',
        '.heic',
        '',
        '',
        '',
    ]
    assert len([ending for endings in READ.values() for ending in endings]) == len(
        {ending for endings in READ.values() for ending in endings}
    )
