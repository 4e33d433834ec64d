"""A miniature of Columbia."""

from pathlib import Path

import cv2
import numpy as np
from miniatures import converted, write_image, write_mask

from focal_mmseg.datasets.converters import SETS, convert

RED, GREEN = (0, 0, 200), (0, 200, 0)


def test_green_is_forged_also_through_jpeg_and_in_folders_nested_twice(tmp_path: Path) -> None:
    source = tmp_path / 'Columbia'
    spliced = source / '4cam_splc' / '4cam_splc'
    for name in ('canong3_canonxt_sub_01', 'canong3_canonxt_sub_02'):
        write_image(spliced / f'{name}.tif')
    forged = write_mask(spliced / 'edgemask' / 'canong3_canonxt_sub_01_edgemask.jpg', 1, values=(RED, GREEN))
    write_mask(spliced / 'edgemask' / 'canong3_canonxt_sub_02_edgemask.jpg', 2, values=(RED, GREEN))
    whole = spliced / 'edgemask' / 'canong3_canonxt_sub_02_edgemask.jpg'
    whole.write_bytes(whole.read_bytes()[:-200])
    write_image(source / '4cam_auth' / 'canong3_02_sub_01.tif')
    for folder in (spliced, source / '4cam_auth', spliced / 'edgemask'):
        (folder / 'Thumbs.db').write_bytes(b'\0')
    report = convert(SETS['columbia'], source, tmp_path / 'out')
    assert report.counts == {'splice': 1, 'pristine': 1}
    assert len(report.dropped) == 1 and 'canong3_canonxt_sub_02.tif: ' in report.dropped[0]
    found = converted(tmp_path / 'out', 'splice/canong3_canonxt_sub_01')
    # JPEG moves the border by a pixel at most.
    band = cv2.dilate(forged.astype(np.uint8), np.ones((3, 3))) - cv2.erode(forged.astype(np.uint8), np.ones((3, 3)))
    assert np.array_equal(found[band == 0], forged[band == 0])


def test_edges_are_bright_and_belong_to_their_side(tmp_path: Path) -> None:
    source = tmp_path / '4cam_splc'
    write_image(source / 'a.tif', size=(32, 32))
    colours = np.zeros((32, 32, 3), np.uint8)
    for columns, colour in ((slice(0, 8), (0, 0, 120)), (slice(8, 16), (0, 0, 255))):
        colours[:, columns] = colour
    for columns, colour in ((slice(16, 24), (0, 255, 0)), (slice(24, 32), (0, 120, 0))):
        colours[:, columns] = colour
    (source / 'edgemask').mkdir()
    cv2.imwrite(str(source / 'edgemask' / 'a_edgemask.jpg'), colours)
    convert(SETS['columbia'], source, tmp_path / 'out')
    found = converted(tmp_path / 'out', 'splice/a')
    assert found[:, 17:].all() and not found[:, :15].any()
