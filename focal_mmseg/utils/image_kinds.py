"""What kind of image a file holds, by its first bytes: names do not count."""

import re
from pathlib import Path

# So many bytes tell every kind below.
HEAD = 512

# What is read, with the endings that such files usually have.
READ = {
    'BMP': ('.bmp', '.dib'),
    'JPEG': ('.jfif', '.jpe', '.jpeg', '.jpg'),
    'PNG': ('.apng', '.png'),
    'PPM': ('.pbm', '.pgm', '.pnm', '.ppm'),
    'TIFF': ('.tif', '.tiff'),
    'WebP': ('.webp',),
    'GIF': ('.gif',),
    'JPEG 2000': ('.j2k', '.jp2', '.jpf', '.jpx'),
    'AVIF': ('.avif',),
    'HEIC': ('.heic', '.heif', '.hif'),
}
IMAGE_SUFFIXES = tuple(sorted(ending for endings in READ.values() for ending in endings))

# Raw files of cameras are mostly TIFF inside, whose first image is a preview.
RAW = ('.3fr', '.arw', '.cr2', '.dng', '.erf', '.iiq', '.kdc', '.mef', '.mos', '.nef', '.nrw', '.pef', '.sr2', '.srw')

_MAGIC: tuple[tuple[str, re.Pattern[bytes]], ...] = tuple(
    (kind, re.compile(pattern, re.DOTALL))
    for kind, pattern in (
        ('JPEG', rb'\xff\xd8\xff'),
        ('PNG', rb'\x89PNG\r\n\x1a\n'),
        ('GIF', rb'GIF8[79]a'),
        ('WebP', rb'RIFF.{4}WEBP'),
        ('camera RAW', rb'II\*\0.{4}CR|IIU\0|IIR[OS]|MMOR|FUJIFILMCCD-RAW|FOVb|.{4}ftypcrx'),
        ('TIFF', rb'II[*+]\0|MM\0[*+]'),
        ('JPEG 2000', rb'\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51'),
        # The brand says which; a mere "mif1" may be either, and the brands behind it tell.
        ('AVIF', rb'.{4}ftyp(?:avi[fs]|(?:mif1|msf1).{4}(?:(?!hei|hev).{4}){0,8}?avi[fs])'),
        ('HEIC', rb'.{4}ftyp(?:hei[cxms]|hev[cxms]|mif1|msf1)'),
        ('PPM', rb'P[1-6][\s#]'),
        ('JPEG XL', rb'\xff\x0a|\0\0\0\x0cJXL '),
        ('JPEG XR', rb'II\xbc'),
        ('PSD', rb'8BPS'),
        ('GIMP', rb'gimp xcf'),
        ('Radiance HDR', rb'#\?(?:RADIANCE|RGBE)'),
        ('OpenEXR', rb'\x76\x2f\x31\x01'),
        ('DDS', rb'DDS '),
        ('Sun raster', rb'\x59\xa6\x6a\x95'),
        ('icon', rb'\0\0[\x01\x02]\0[^\0]\0|icns'),
        ('QOI', rb'qoif'),
        ('SGI', rb'\x01\xda[\0\x01][\x01\x02]\0'),
        ('PCX', rb'\x0a[\0-\x05]\x01[\x01\x02\x04\x08]'),
        ('PFM', rb'P[Ff]\s'),
        ('PAM', rb'P7\s'),
        ('FITS', rb'SIMPLE  ='),
        ('DICOM', rb'.{128}DICM'),
        ('SVG', rb'(?:\xef\xbb\xbf)?\s*(?:<\?xml.*?)?<svg'),
        ('PDF', rb'%PDF-'),
        ('PostScript', rb'%!PS'),
        ('video', rb'.{4}ftyp|RIFF.{4}AVI |\x1a\x45\xdf\xa3|\0\0\x01[\xb3\xba]'),
        ('BMP', rb'BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0'),
    )
)


def image_kind(head: bytes, name: str = '') -> str:
    """The kind of a file.

    Args:
        head (bytes): Its beginning, ``HEAD`` bytes are enough.
        name (str): Of it, which alone tells the raw files of most cameras from TIFF. Defaults to ''.

    Returns:
        str: One of ``READ``, or another kind that is known but not read, as ``'PSD'``; '' if none.
    """
    kind = next((kind for kind, magic in _MAGIC if magic.match(head)), '')
    return 'camera RAW' if kind == 'TIFF' and Path(name).suffix.lower() in RAW else kind


def kind_of_file(path: Path) -> str:
    """The kind of a file on the disk; '' if none, or if it cannot be read."""
    try:
        with path.open('rb') as file:
            return image_kind(file.read(HEAD), path.name)
    except OSError:
        return ''


def image_ending(name: str) -> str:
    """The ending of an image's name, as it is written there; '' where it has none of ``IMAGE_SUFFIXES``.

    >>> image_ending('a.b.JPG'), image_ending('IMG.2024')
    ('.JPG', '')
    """
    suffix = Path(name).suffix
    return suffix if suffix.lower() in IMAGE_SUFFIXES else ''
