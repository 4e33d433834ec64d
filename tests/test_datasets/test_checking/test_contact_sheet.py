"""The sheet of images with their masks."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from focal_mmseg.datasets.checking import Entry, check_image
from focal_mmseg.datasets.checking.contact_sheet import SIDE, write_contact_sheet


def test_images_stand_as_viewers_show_them(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    # Upper half white as it lies in the file: shown, the right half.
    stored = np.zeros((100, 200, 3), np.uint8)
    stored[:50] = 255
    Image.fromarray(stored).save(tmp_path / 'turned.jpg', exif=exif)
    mask = np.zeros((200, 100), np.uint8)
    mask[:20] = 255
    cv2.imwrite(str(tmp_path / 'mask.png'), mask)
    entry = Entry('test', 'x', 'splice', str(tmp_path / 'turned.jpg'), str(tmp_path / 'mask.png'))
    finding = check_image(entry, hashes=False)
    assert not finding.problems and finding.size == (100, 200)
    write_contact_sheet(tmp_path / 'sheet.png', [entry], [finding])
    tile = cv2.imread(str(tmp_path / 'sheet.png'))[:SIDE, : SIDE // 2]
    assert tile[60:, 60:80].min() > 200 and tile[60:, 10:30].max() < 50
