"""Files as accidents and attackers make them, for fuzz_loading.py; the same draws make the same files."""

import os
import struct
import zlib
from collections.abc import Callable

import cv2
import numpy as np

SIDE = 48
LONGEST_NAME = 255
Damage = Callable[[bytes, np.random.Generator], bytes]


def whole_files(rng: np.random.Generator) -> dict[str, tuple[bytes, bytes]]:
    """An image and its mask as each kind of file, by its ending."""
    image = rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    image = cv2.GaussianBlur(image, (0, 0), 2.0)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[10:30, 5:40] = 255
    files = {}
    for ending in ('jpg', 'png', 'bmp', 'tif', 'webp'):
        files[ending] = tuple(cv2.imencode(f'.{ending}', each)[1].tobytes() for each in (image, mask))
    deep = image.astype(np.uint16) * 257
    files['16.png'] = (cv2.imencode('.png', deep)[1].tobytes(), files['png'][1])
    files['16.tif'] = (cv2.imencode('.tif', deep)[1].tobytes(), files['tif'][1])
    return files


def truncated(content: bytes, rng: np.random.Generator) -> bytes:
    """The beginning."""
    return content[: rng.integers(len(content))]


def flipped(content: bytes, rng: np.random.Generator) -> bytes:
    """Some bits the other way."""
    changed = bytearray(content)
    for place in rng.integers(len(content), size=rng.integers(1, 30)):
        changed[place] ^= 1 << rng.integers(8)
    return bytes(changed)


def spliced(content: bytes, rng: np.random.Generator) -> bytes:
    """A part of it twice."""
    first, second = sorted(rng.integers(len(content), size=2))
    return content[:second] + content[first:]


def _sides(rng: np.random.Generator, bits: int) -> tuple[int, int]:
    """Width and height of up to so many bits, every second time such as may just be borne."""
    bits = min(bits, 15) if rng.random() < 0.5 else bits
    width, height = (int(2 ** rng.uniform(6, bits)) - 1 for _ in range(2))
    return width, height


def huge(content: bytes, rng: np.random.Generator) -> bytes:
    """A header that declares as many pixels a side as the kind has bits for."""
    changed = bytearray(content)
    if content.startswith(b'\x89PNG'):
        header = b'IHDR' + struct.pack('>II', *_sides(rng, 31)) + content[24:29]
        changed[12:33] = header + struct.pack('>I', zlib.crc32(header))
    elif content.startswith(b'\xff\xd8'):
        place = content.find(b'\xff\xc0') + 5
        changed[place : place + 4] = struct.pack('>HH', *_sides(rng, 16))
    elif content.startswith(b'BM'):
        changed[18:26] = struct.pack('<ii', *_sides(rng, 31))
    elif content.startswith(b'II*\0'):
        _give_tiff_sides(changed, _sides(rng, 32))
    elif content[12:16] == b'VP8L':
        width, height = _sides(rng, 14)
        changed[21:25] = struct.pack('<I', width | height << 14 | (content[24] >> 4 & 1) << 28)
    elif content[12:16] == b'VP8 ':
        changed[26:30] = struct.pack('<HH', *_sides(rng, 14))
    else:
        raise ValueError(f'no kind of file that is made here begins with {content[:16]!r}')
    return bytes(changed)


def _give_tiff_sides(content: bytearray, sides: tuple[int, int]) -> None:
    """Change width and height in the first directory of a little-endian TIFF."""
    (directory,) = struct.unpack_from('<I', content, 4)
    (number,) = struct.unpack_from('<H', content, directory)
    for place in range(directory + 2, directory + 2 + 12 * number, 12):
        (tag,) = struct.unpack_from('<H', content, place)
        if tag in (256, 257):
            struct.pack_into('<HII', content, place + 2, 4, 1, sides[tag - 256])


def foreign(content: bytes, rng: np.random.Generator) -> bytes:
    """A kind of file that the ending does not say, and of any size."""
    width, height = _sides(rng, 20)
    line = bytes([2, 2, width >> 8 & 255, width & 255]) + bytes([200, 3] * 300)
    kinds = (
        b'#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y %d +X %d\n' % (height, width) + line,
        b'P6 %d %d 255\n' % (width, height) + bytes(500),
        b'PF\n%d %d\n-1.0\n' % (width, height) + bytes(500),
        struct.pack('>8I', 0x59A66A95, width, height, 24, 0, 2, 0, 0) + b'\x80\xff\x07' * 200,
        _dds(width, height, [b'DXT1', b'DX10', b'ZZZZ'][rng.integers(3)]),
        b'GIF89a' + struct.pack('<HH', width % 2**16, height % 2**16) + b'\x80\0\0' + bytes(6) + b'\x2c' + bytes(50),
        b'8BPS' + struct.pack('>H6xHIIHH', 1, 3, height, width, 8, 3) + bytes(200),
        b'\0\0\1\0\1\0' + bytes(14) + struct.pack('<II', 40, 22) + rng.bytes(100),
        b'\0\0\0\x20ftypavif' + rng.bytes(200),
        b'\0\0\0\x0cjP  \r\n\x87\n' + rng.bytes(200),
        b'%%!PS-Adobe-3.0 EPSF-3.0\n%%%%BoundingBox: 0 0 %d %d\n' % (width, height),
    )
    return kinds[rng.integers(len(kinds))]


def _dds(width: int, height: int, format_name: bytes) -> bytes:
    """A DirectDraw Surface without pixels."""
    header = b'DDS ' + struct.pack('<7I', 124, 0x1007, height, width, 0, 0, 0) + bytes(44)
    return header + struct.pack('<II4s5I', 32, 4, format_name, 0, 0, 0, 0, 0) + bytes(20)


def replaced(content: bytes, rng: np.random.Generator) -> bytes:
    """Something else."""
    return [b'', b'\x00', b'<html></html>', b'PK\x03\x04', rng.bytes(500)][rng.integers(5)]


def untouched(content: bytes, rng: np.random.Generator) -> bytes:
    """The same."""
    return content


DAMAGES: tuple[Damage, ...] = (truncated, flipped, spliced, huge, foreign, replaced, untouched)


def odd_stem(rng: np.random.Generator, ending: str) -> str:
    """A name, but for its ending, that is not hidden: bytes of any kind, or as long as names can be."""
    if rng.random() < 0.2:
        return 'n' * (LONGEST_NAME - len(ending))
    letters = rng.integers(1, 256, size=rng.integers(1, 40), dtype=np.uint8).tobytes()
    return 'n' + os.fsdecode(letters.replace(b'/', b'_'))


def list_file(good: bytes, rng: np.random.Generator) -> bytes:
    """A list file of a line that is right and others that may be anything.

    Args:
        good (bytes): The line that is right.
        rng (np.random.Generator): For the others.
    """
    lines = [
        good,
        rng.bytes(rng.integers(1, 200)),
        flipped(good, rng),
        spliced(good, rng),
        b'../' * rng.integers(1, 20) + good,
        b'/etc/passwd\t' + good,
        b'images/../../' + good,
        good.replace(b'\t', b'\0'),
        b'a' * rng.integers(200, 5000) + good,
        b'\t' * rng.integers(1, 9),
        b'\xff\xfe' + good.decode('latin-1').encode('utf-16-le'),
    ]
    chosen = [lines[place] for place in rng.integers(len(lines), size=rng.integers(1, 4))]
    return b'\n'.join(chosen)
