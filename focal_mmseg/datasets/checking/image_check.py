"""The check of one image and its mask."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from focal_mmseg.datasets.transforms.loading import read_forgery_mask
from focal_mmseg.utils import image_header

from .entries import Entry

# What makes an image unusable, and what should be looked at.
ERRORS = ('unreadable image', 'missing mask', 'unreadable mask', 'sizes differ')
WARNINGS = ('empty mask', 'pristine image with a forged mask', 'full mask', 'polarity suspect')
FULL = 0.99
MOSTLY, MOST_OF_THE_BORDER = 0.5, 0.75


@dataclass
class Finding:
    """What is known of an image after its check.

    Attributes:
        problems (list[tuple[str, str]]): One of ``ERRORS`` or ``WARNINGS``, and what exactly.
        size (tuple[int, int] | None): Width and height, None where it cannot be read.
        forged_share (float | None): Of its pixels, None where there is no mask to read.
        content (str): SHA-256 of the file, '' where it cannot be read.
        phash (int | None): Perceptual hash of 64 bits.
    """

    problems: list[tuple[str, str]] = field(default_factory=list)
    size: tuple[int, int] | None = None
    forged_share: float | None = None
    content: str = ''
    phash: int | None = None


def check_image(entry: Entry, hashes: bool = True) -> Finding:
    """Read an image and its mask, wholly, and say what is wrong.

    Nothing of a file makes this fail: a declared size beyond Pillow's limit is named, not decoded.

    Args:
        entry (Entry): Which.
        hashes (bool): Whether its hashes are taken. Defaults to True.

    Returns:
        Finding: Of the image.

    Raises:
        ImportError: If hashes are wanted and imagehash is not installed.
    """
    found = Finding()
    try:
        # Pillow's decoder tells a truncated file, where OpenCV fills up with grey.
        with Path(entry.image).open('rb') as file, image_header(file, entry.image) as image:
            image.load()
            turned = image.getexif().get(0x0112, 1) >= 5
            found.size = image.size[::-1] if turned else image.size
            if hashes:
                found.phash = int(str(_imagehash().phash(image.convert('RGB'))), 16)
        if hashes:
            found.content = hashlib.sha256(Path(entry.image).read_bytes()).hexdigest()
    except ImportError:
        raise
    except Exception as error:  # a damaged file makes decoders fail in any way
        found.problems.append(('unreadable image', _short(error)))
    _check_mask(entry, found)
    return found


def _check_mask(entry: Entry, found: Finding) -> None:
    if entry.mask is None:
        _check_without_mask(entry, found)
        return
    if not Path(entry.mask).is_file():
        found.problems.append(('missing mask', entry.mask))
        return
    try:
        with Path(entry.mask).open('rb') as file, image_header(file, entry.mask) as image:
            image.verify()
        forged = read_forgery_mask(entry.mask, entry.forged_is, entry.mask_threshold) == 1
    except Exception as error:  # as above
        found.problems.append(('unreadable mask', f'{entry.mask}: {_short(error)}'))
        return
    share = found.forged_share = float(forged.mean())
    if found.size and forged.shape[::-1] != found.size:
        sizes = 'mask {}x{}, image {}x{}'.format(*forged.shape[::-1], *found.size)
        found.problems.append(('sizes differ', sizes))
    _check_share(entry, forged, share, found)


def _check_without_mask(entry: Entry, found: Finding) -> None:
    """An image without a mask is pristine, if the set says so of it or of all such images."""
    if entry.kind == 'pristine' or (entry.pristine_without_mask and not entry.kind):
        return
    if entry.pristine_without_mask:
        found.problems.append(('empty mask', f'an image of the kind {entry.kind} has no mask and counts as pristine'))
    else:
        found.problems.append(('missing mask', 'none is named'))


def _check_share(entry: Entry, forged: np.ndarray, share: float, found: Finding) -> None:
    """A kind that the mask contradicts, or a mask that looks like its inverse."""
    border = np.concatenate([forged[0], forged[-1], forged[:, 0], forged[:, -1]]).mean()
    if not forged.any():
        if entry.kind not in ('', 'pristine'):
            found.problems.append(('empty mask', f'nothing is forged in an image of the kind {entry.kind}'))
        elif entry.listed and not entry.kind:
            found.problems.append(('empty mask', 'nothing is forged; if it is pristine, name that kind in the list'))
        return
    if entry.kind == 'pristine':
        found.problems.append(('pristine image with a forged mask', f'{share:.1%} is forged'))
    elif share >= FULL:
        found.problems.append(('full mask', f'{share:.1%} is forged'))
    elif share > MOSTLY and border > MOST_OF_THE_BORDER:
        text = f'{share:.0%} of the image and {border:.0%} of its border are forged: is it forged_is="black"?'
        found.problems.append(('polarity suspect', text))


def _short(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return text if len(text) <= 200 else f'{text[:197]}...'


def _imagehash() -> Any:
    try:
        import imagehash
    except ImportError as error:
        raise ImportError('near-duplicates are found by imagehash: pip install ".[data]"') from error
    return imagehash
