"""A sheet of images with their masks, those with problems first."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import ImageOps

from focal_mmseg.datasets.transforms.loading import read_forgery_mask
from focal_mmseg.utils import image_header, write_image
from focal_mmseg.visualization import overlay_mask

from .entries import Entry
from .image_check import Finding

COLUMNS, ROWS = 8, 6
SIDE, LINE = 180, 18


def write_contact_sheet(path: Path, entries: Sequence[Entry], findings: Sequence[Finding]) -> None:
    """Draw at most 48 images: half of them with problems, where there are so many, the others spread evenly.

    Args:
        path (Path): The PNG to write.
        entries (Sequence[Entry]): The images.
        findings (Sequence[Finding]): Theirs.
    """
    bad = [place for place, finding in enumerate(findings) if finding.problems][: COLUMNS * ROWS // 2]
    good = [place for place, finding in enumerate(findings) if not finding.problems]
    rest = np.linspace(0, len(good) - 1, min(len(good), COLUMNS * ROWS - len(bad))).round().astype(int)
    chosen = [*bad, *(good[place] for place in np.unique(rest))]
    rows = -(-max(1, len(chosen)) // COLUMNS)
    sheet = np.full((rows * (SIDE + LINE), COLUMNS * SIDE, 3), 255, np.uint8)
    for number, place in enumerate(chosen):
        top, left = number // COLUMNS * (SIDE + LINE), number % COLUMNS * SIDE
        finding = findings[place]
        sheet[top : top + SIDE, left : left + SIDE] = _tile(entries[place], finding)
        label = finding.problems[0][0] if finding.problems else Path(entries[place].image).name[-26:]
        colour = (0, 0, 200) if finding.problems else (0, 0, 0)
        # OpenCV draws plain letters only.
        label = label.encode('ascii', 'replace').decode('ascii')
        cv2.putText(sheet, label, (left + 2, top + SIDE + 13), cv2.FONT_HERSHEY_SIMPLEX, 0.38, colour, 1, cv2.LINE_AA)
    write_image(path, sheet)


def _tile(entry: Entry, finding: Finding) -> np.ndarray:
    """An image with its mask, uint8 BGR of shape (SIDE, SIDE, 3); grey where it cannot be read."""
    tile = np.full((SIDE, SIDE, 3), 128, np.uint8)
    if finding.size is None:
        return tile
    with Path(entry.image).open('rb') as file, image_header(file, entry.image) as image:
        image.draft('RGB', (2 * SIDE, 2 * SIDE))
        image.thumbnail((SIDE, SIDE))
        shown = ImageOps.exif_transpose(image)
        small = np.ascontiguousarray(np.asarray(shown.convert('RGB'))[..., ::-1])
    if finding.forged_share and entry.mask:
        forged = read_forgery_mask(entry.mask, entry.forged_is, entry.mask_threshold)
        small = overlay_mask(small, cv2.resize(forged, small.shape[1::-1], interpolation=cv2.INTER_NEAREST))
    tile[: small.shape[0], : small.shape[1]] = small
    return tile
