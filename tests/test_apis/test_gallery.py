"""The page of many images."""

import re
from pathlib import Path

import numpy as np
import pytest

from focal_mmseg.apis.gallery import EXTRA, HIT, LONGEST, MISSED, Entry, paint_hits, view, write_gallery


def test_hits_misses_and_false_alarms_have_colours_of_their_own() -> None:
    mask, truth = np.array([[True, True, False, False]]), np.array([[True, False, True, False]])
    painted = paint_hits(mask, truth)
    assert [tuple(pixel) for pixel in painted[0].tolist()] == [(*HIT, 255), (*EXTRA, 255), (*MISSED, 255), (0, 0, 0, 0)]


def test_rows_are_sorted_with_those_without_a_value_at_the_end(tmp_path: Path) -> None:
    entries = [
        Entry('none', values={'IoU': float('nan')}),
        Entry('good', values={'IoU': 0.9}, is_marked=True),
        Entry('failed', failure='no image'),
        Entry('bad', values={'IoU': 0.1}),
    ]
    write_gallery(tmp_path / 'index.html', 'Test', 'a note', entries, {}, sorted_by='IoU', descending=False)
    page = (tmp_path / 'index.html').read_text(encoding='utf-8')
    assert re.findall(r'data-name="(\w+)" data-marked="(\d)"', page) == [
        ('bad', '0'),
        ('good', '1'),
        ('none', '0'),
        ('failed', '0'),
    ]
    assert 'data-value="0.9">0.900<' in page and 'class="failed" colspan="2">no image<' in page
    assert 'aria-sort="ascending"' in page


@pytest.mark.parametrize('name', ['<script>alert(1)</script>', 'a "quoted" & name', 'ümlaut/b.jpg'])
def test_names_are_text_whatever_is_in_them(tmp_path: Path, name: str) -> None:
    write_gallery(tmp_path / 'index.html', 'Test', '', [Entry(name, link=name)], {})
    page = (tmp_path / 'index.html').read_text(encoding='utf-8')
    assert '<script>alert' not in page and 'a "quoted"' not in page
    assert 'http://' not in page and 'https://' not in page


def test_a_thousand_large_images_stay_a_small_page(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    image = np.kron(rng.integers(0, 256, (20, 30, 3), dtype=np.uint8), np.ones((40, 40, 1), np.uint8))
    mask = np.zeros((*image.shape[:2], 4), np.uint8)
    mask[200:400, 300:600] = 255
    made = view(image, 'image', mask)
    entries = [Entry(f'{number:04}.jpg', [made], {'image score': number / 1000}) for number in range(1000)]
    write_gallery(tmp_path / 'index.html', 'Many', '', entries, {'forged': (1, 2, 3)}, sorted_by='image score')
    assert (tmp_path / 'index.html').stat().st_size < 30 * 2**20
    assert max(image.shape) > LONGEST and len(made.image) < 30_000
