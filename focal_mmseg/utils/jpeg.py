"""What a JPEG file holds beside its pixels: the quantised coefficients of its luma, and their table."""

import tempfile
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from PIL import ExifTags, Image

BLOCK = 8
# Identifiers of the components of files that store R, G and B as they are.
RGB_IDS = [ord(name) for name in 'RGB']
UNREADABLE = (
    'its JPEG coefficients cannot be read: the file is damaged, or of a kind that libjpeg does not read (arithmetic '
    'coding, 12 bits, lossless); save it again as a usual JPEG or as PNG'
)
# EXIF orientation: whether rows, then columns are reversed, and whether both axes are then swapped.
ORIENTATIONS = {
    1: (False, False, False),
    2: (False, True, False),
    3: (True, True, False),
    4: (True, False, False),
    5: (False, False, True),
    6: (True, False, True),
    7: (True, True, True),
    8: (False, True, True),
}


@dataclass(frozen=True)
class Luma:
    """The luma of a JPEG file as it is stored.

    Attributes:
        blocks (np.ndarray): int16 of shape (ceil(H / 8), ceil(W / 8), 8, 8): the quantised coefficients of each block,
            rows for vertical frequencies.
        table (np.ndarray): float32 of shape (8, 8): the quantisation steps, each at least 1.
    """

    blocks: np.ndarray
    table: np.ndarray

    def oriented(self, orientation: int) -> 'Luma':
        """The luma of the same image turned or mirrored as EXIF's ``orientation`` (1..8) says; nothing is lost.

        Mirroring reverses the order of the blocks and the sign of the odd frequencies; swapping the axes transposes
        both the blocks and what is in them.
        """
        rows, columns, swap = ORIENTATIONS[orientation]
        blocks, table = self.blocks, self.table
        signs = (-1) ** np.arange(BLOCK, dtype=np.int16)
        if rows:
            blocks = blocks[::-1] * signs[:, None]
        if columns:
            blocks = blocks[:, ::-1] * signs
        if swap:
            blocks, table = blocks.transpose(1, 0, 3, 2), table.T
        return Luma(np.ascontiguousarray(blocks), np.ascontiguousarray(table))

    def planes(self) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients and table on the grid of the pixels.

        Returns:
            tuple[np.ndarray, np.ndarray]: float32 of shape (8 * rows of blocks, 8 * columns of blocks) each. Where the
            pixel (8 i + u, 8 j + v) lies, the first has the coefficient (u, v) of block (i, j), the second its step.
        """
        rows, columns = self.blocks.shape[:2]
        plane = self.blocks.transpose(0, 2, 1, 3).astype(np.float32, order='C')
        return plane.reshape(rows * BLOCK, columns * BLOCK), np.tile(self.table, (rows, columns))


def orient(image: np.ndarray, orientation: int) -> np.ndarray:
    """Turn or mirror an array (H, W, ...) as EXIF's ``orientation`` (1..8) says."""
    rows, columns, swap = ORIENTATIONS[orientation]
    image = image[:: -1 if rows else 1, :: -1 if columns else 1]
    return np.ascontiguousarray(image.swapaxes(0, 1) if swap else image)


def exif_orientation(content: bytes) -> int:
    """EXIF's orientation of an image file, 1..8; 1 where there is none, or none that is valid."""
    with Image.open(BytesIO(content)) as image:
        found = image.getexif().get(ExifTags.Base.Orientation, 1)
    return found if found in ORIENTATIONS else 1


def is_jpeg(content: bytes) -> bool:
    """Whether the bytes are a JPEG file, by how they begin."""
    return content[:3] == b'\xff\xd8\xff'


def read_luma(content: bytes) -> Luma | None:
    """Read the coefficients of a JPEG file's luma and their table.

    Args:
        content (bytes): The file, one that a decoder has read without complaint: libjpeg's coefficient reader says
            little about damage.

    Returns:
        Luma | None: Bit by bit as stored. None for files whose first component is no luma at full resolution: CMYK, RGB
        stored as such, luma that is subsampled.

    Raises:
        ImportError: If jpeglib is not installed.
        ValueError: If the file cannot be read, or its table has a step of 0.
    """
    if not _begins_with_luma(content):
        return None
    blocks, table, size = _stored(content)
    if blocks.shape[:2] != tuple(-(-side // BLOCK) for side in size):
        return None
    if table.min() < 1:
        raise ValueError('its quantisation table has a step of 0')
    return Luma(blocks, table)


def _stored(content: bytes) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """Blocks and table of the first component, and the image's height and width."""
    try:
        import jpeglib
    except ImportError as error:
        raise ImportError(
            "the coefficients of JPEG files are read by jpeglib, which is not installed: pip install '.[jpeg]'"
        ) from error
    # jpeglib opens paths only, and a path of the user's need not be one that a C library can open.
    with tempfile.NamedTemporaryFile(suffix='.jpg') as file:
        file.write(content)
        file.flush()
        try:
            found = jpeglib.read_dct(file.name)
            # The coefficients are read when they are asked for.
            blocks, table = np.array(found.Y), np.array(found.get_component_qt(0), np.float32)
        except Exception as error:  # the library raises whatever its C part says
            raise ValueError(UNREADABLE) from error
    return blocks, table, (found.height, found.width)


def _begins_with_luma(content: bytes) -> bool:
    """Whether a JPEG file's first component is luma: it is grey or YCbCr; jpeglib takes CMYK and RGB for that too."""
    try:
        # Any, for a JPEG's components, which Pillow's stubs do not have.
        image: Any = Image.open(BytesIO(content))
    except (OSError, SyntaxError) as error:  # what Pillow raises of headers
        raise ValueError(UNREADABLE) from error
    with image:
        stored_as_rgb = image.info.get('adobe_transform') == 0 or [layer[0] for layer in image.layer] == RGB_IDS
        return image.mode == 'L' or (image.mode == 'RGB' and not stored_as_rgb)
