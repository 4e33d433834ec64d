"""The page of a report."""

import base64
import re
from pathlib import Path

import cv2
import numpy as np

from focal_mmseg.reports.page import Section, paragraph, picture, wide, write_page


def test_the_page_needs_no_other_file_and_no_network(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    cv2.imwrite(str(tmp_path / 'a.png'), image)
    body = picture(tmp_path / 'a.png', 'a "picture" <of> noise')
    write_page(tmp_path / 'page.html', 'A & B', [Section('One <1>', body), Section('Two', paragraph('1 < 2'))])
    text = (tmp_path / 'page.html').read_text()
    (content,) = re.findall(r'src="data:image/png;base64,([^"]+)"', text)
    found = cv2.imdecode(np.frombuffer(base64.b64decode(content), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(found, image)
    assert not re.search(r'(src|href)="(?!data:|#)', text) and '<script' not in text and 'url(' not in text
    assert '<title>A &amp; B</title>' in text and 'One &lt;1&gt;' in text and '1 &lt; 2' in text
    assert 'alt="a &quot;picture&quot; &lt;of&gt; noise"' in text


def test_every_part_is_linked_and_what_is_wide_scrolls_by_keyboard(tmp_path: Path) -> None:
    write_page(tmp_path / 'page.html', 'A', [Section('One', wide('<p>x</p>', 'x')), Section('Two', paragraph('y'))])
    text = (tmp_path / 'page.html').read_text()
    assert re.findall(r'href="#(part\d)"', text) == re.findall(r'id="(part\d)"', text) == ['part0', 'part1']
    assert '<div class="wide" tabindex="0" role="region" aria-label="x">' in text
    assert 'name="viewport"' in text and '<html lang="en">' in text
