"""The page of a report in a headless browser, where one is installed."""

import html
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from focal_mmseg.comparison import Column, Table
from focal_mmseg.comparison.report import Section
from focal_mmseg.utils.pages import write_page
from focal_mmseg.visualization import plot_grid

BROWSER = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason='no chromium is installed')
COLUMNS = 10
# The page in a frame as wide as a telephone; what it says of itself stands in the title afterwards.
FRAME = """<!doctype html><title></title><iframe width="{wide}" height="700" srcdoc="{page}"></iframe>
<script>
addEventListener('load', () => {{
  const page = document.querySelector('iframe').contentDocument;
  const regions = [...page.querySelectorAll('.wide')];
  page.querySelector('nav a').focus();
  const left = each => Math.round(each.getBoundingClientRect().left);
  regions[0].scrollLeft = 10000;
  document.title = JSON.stringify({{
    overflow: page.documentElement.scrollWidth - page.documentElement.clientWidth,
    regions: regions.length,
    focused: regions.filter(each => {{ each.focus(); return page.activeElement === each; }}).length,
    scrolling: regions.filter(each => each.scrollWidth > each.clientWidth).length,
    shown: Math.round(page.images[0].getBoundingClientRect().width),
    stays: [...page.querySelectorAll('th[scope=row]')].filter(each => left(each) === left(regions[0])).length,
    images: [...page.images].filter(each => each.complete && each.naturalWidth).length,
  }});
}});
</script>"""


@pytest.fixture
def seen(tmp_path: Path) -> Callable[[int], dict[str, int]]:
    """What a browser makes of a page with a wide table and a grid of ten columns, at a width in pixels."""
    views = [np.zeros((60, 80, 3), np.uint8)] * COLUMNS
    plot_grid(tmp_path / 'a.png', [views], ['a model'] * COLUMNS, ['an image'])
    columns = [Column(f'set {number}', 'iou') for number in range(12)]
    table = Table('model', columns, {name: [0.5] * len(columns) for name in ('one', 'two')})
    sections = [
        Section('Metrics', 'A text. ' * 40, [table]),
        Section('Masks', images=[(tmp_path / 'a.png', 'masks')]),
    ]
    write_page(tmp_path / 'report.html', 'comparison.html.j2', title='A comparison', sections=sections)
    page = html.escape((tmp_path / 'report.html').read_text())

    def at(width: int) -> dict[str, int]:
        (tmp_path / 'frame.html').write_text(FRAME.format(wide=width, page=page))
        profile = f'--user-data-dir={tmp_path / "profile"}'
        command = [BROWSER, '--headless', '--no-sandbox', '--disable-gpu', profile, '--dump-dom']
        done = subprocess.run([*command, f'file://{tmp_path}/frame.html'], capture_output=True, text=True, timeout=120)
        found = re.search(r'<title>\{(.*)\}</title>', done.stdout)
        assert found, done.stderr
        return {key: int(value) for key, value in re.findall(r'"(\w+)":(\d+)', found[1])}

    return at


def test_a_telephone_scrolls_what_is_wide_and_not_the_page(seen: Callable, tmp_path: Path) -> None:
    found = seen(360)
    # Models keep their names in sight, and images their size.
    assert found.pop('shown') == cv2.imread(str(tmp_path / 'a.png')).shape[1]
    assert found == dict(overflow=0, regions=2, focused=2, scrolling=2, stays=2, images=1)


def test_a_desktop_scrolls_nothing(seen: Callable) -> None:
    found = seen(1300)
    assert 900 < found.pop('shown') <= 1152
    assert found == dict(overflow=0, regions=2, focused=2, scrolling=0, stays=2, images=1)
