"""Pages of HTML out of templates."""

import base64
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from jinja2 import UndefinedError

from focal_mmseg.comparison import Column, Table
from focal_mmseg.comparison.report import Section
from focal_mmseg.utils.pages import data_uri, thumbnail, write_page


def write(path: Path, title: str, *sections: Section) -> str:
    write_page(path, 'comparison.html.j2', title=title, sections=sections)
    return path.read_text()


def test_the_page_needs_no_other_file_and_no_network(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    cv2.imwrite(str(tmp_path / 'a.png'), image)
    shown = Section('One <1>', images=[(tmp_path / 'a.png', 'an "image" <of> noise')])
    text = write(tmp_path / 'page.html', 'A & B', shown, Section('Two', '1 < 2'))
    (content,) = re.findall(r'src="data:image/png;base64,([^"]+)"', text)
    found = cv2.imdecode(np.frombuffer(base64.b64decode(content), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(found, image)
    assert not re.search(r'(src|href)="(?!data:|#)', text) and '<script' not in text and 'url(' not in text
    assert '<title>A &amp; B</title>' in text and 'One &lt;1&gt;' in text and '1 &lt; 2' in text
    assert 'alt="an &#34;image&#34; &lt;of&gt; noise"' in text and '&amp;lt;' not in text


def test_every_part_is_linked_and_what_is_wide_scrolls_by_keyboard(tmp_path: Path) -> None:
    table = Table('model', [Column('', 'iou')], {'<a>': (0.5,)})
    listing = Section('Two', listing=(('name', 'config'), [('b', '<c>')]))
    text = write(tmp_path / 'page.html', 'A', Section('One', tables=[table]), listing)
    assert re.findall(r'href="#(part\d)"', text) == re.findall(r'id="(part\d)"', text) == ['part0', 'part1']
    assert '<div class="wide" tabindex="0" role="region" aria-label="model: IoU">' in text
    assert '<th scope="row">&lt;a&gt;</th><td>0.500</td>' in text and '<td>&lt;c&gt;</td>' in text
    assert 'name="viewport"' in text and '<html lang="en">' in text and text.startswith('<!doctype html>')


def test_what_a_template_lacks_is_an_error_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(UndefinedError, match='title'):
        write_page(tmp_path / 'page.html', 'comparison.html.j2', sections=[])
    assert not list(tmp_path.iterdir())


def test_a_name_that_is_no_text_is_written_all_the_same(tmp_path: Path) -> None:
    assert 'a' in write(tmp_path / 'page.html', 'a\udcff')


@pytest.mark.parametrize('shape', [(40, 20), (40, 20, 3)])
def test_pixels_become_a_png_and_a_thumbnail_keeps_their_ratio(shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    kind, content = data_uri(image).split(',')
    found = cv2.imdecode(np.frombuffer(base64.b64decode(content), np.uint8), cv2.IMREAD_UNCHANGED)
    assert kind == 'data:image/png;base64'
    np.testing.assert_array_equal(found if image.ndim == 2 else found[..., ::-1], image)
    assert thumbnail(image, 10).shape == (10, 5, *shape[2:]) and thumbnail(image, 40) is image


def test_a_file_that_browsers_do_not_show_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r'a\.tif: a page takes \.png'):
        data_uri(tmp_path / 'a.tif')
