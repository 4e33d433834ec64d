"""The page in a headless browser: drop, wait, read, move the slider."""

import base64
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from focal_mmseg.apis import FOCALInferencer
from focal_mmseg.datasets.synthesis import load_packaged

pytest.importorskip('gradio', reason='needs the extra app')
playwright = pytest.importorskip('playwright.sync_api', reason='needs playwright')
BROWSER = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason='no chromium is installed')
# Milliseconds, of a machine with other work.
PATIENCE = 240_000


@pytest.fixture(scope='module')
def forgery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A splice of two packaged photographs, as a JPEG file."""
    path = tmp_path_factory.mktemp('forgery') / 'a forgery.jpg'
    image = load_packaged('chelsea')[..., ::-1].copy()
    image[150:270, 40:180] = load_packaged('coffee')[80:200, 150:290, ::-1]
    cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, 95])
    return path


@pytest.fixture(scope='module')
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Where the page is, and the folder that has the server's temporary files."""
    folder = tmp_path_factory.mktemp('temporary')
    command = [sys.executable, '-u', '-m', 'focal_mmseg.app', '--port', '0', '--device', 'cpu']
    environment = os.environ | dict(TMPDIR=str(folder))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        found = None
        while not found and (line := server.stdout.readline()):
            found = re.search(r'http://\S+', line)
        assert found, 'the server did not start'
        yield found[0], folder
        server.terminate()
    assert not list(folder.rglob('*.jpg'))


@pytest.fixture(scope='module')
def tab(address: tuple[str, Path]) -> Iterator[object]:
    """A tab with the page; notes the machines that it asks."""
    with playwright.sync_playwright() as driver, tempfile.TemporaryDirectory() as profile:
        browser = driver.chromium.launch_persistent_context(
            profile, executable_path=BROWSER, args=['--no-sandbox'], viewport=dict(width=1440, height=1000)
        )
        opened = browser.new_page()
        opened.set_default_timeout(PATIENCE)
        opened.asked = []
        opened.on('request', lambda request: opened.asked.append(request.url))
        opened.goto(address[0])
        yield opened
        browser.close()


def shown_mask(tab: object) -> np.ndarray:
    """The mask that lies over the image, bool, as the browser has it."""
    layer = tab.locator('#views .layer')
    content = tab.request.get(layer.evaluate('each => each.src')).body()
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)[..., 3] > 127


def move(tab: object, name: str, value: float) -> None:
    """Set a slider by its number."""
    field = tab.locator(f'#{name} input[type=number]')
    field.fill(str(value))
    field.press('Enter')
    field.blur()


def test_drop_wait_read_and_move(tab: object, address: tuple[str, Path], forgery: Path, tmp_path: Path) -> None:
    tab.locator('#drop input[type=file]').set_input_files(str(forgery))
    tab.locator('#views .layer').wait_for(state='attached')
    wanted = FOCALInferencer(device='cpu')(forgery)
    np.testing.assert_array_equal(shown_mask(tab), wanted.mask == 255)
    verdict = tab.locator('#verdict').inner_text()
    assert f'{wanted.summary["forged_share"]:.1%}' in verdict and f'{wanted.image_score:.2f}' in verdict
    # Nothing of the file is on the disk any more.
    assert not [path for path in address[1].rglob('*') if path.is_file() and 'forgery' in path.name]

    before = tab.locator('#views .layer').get_attribute('src')
    move(tab, 'point', 0.2)
    tab.wait_for_function(
        'before => document.querySelector("#views .layer")?.getAttribute("src") !== before', arg=before
    )
    np.testing.assert_array_equal(shown_mask(tab), wanted.score > 0.2)
    assert f'{(wanted.score > 0.2).mean():.1%}' in tab.locator('#verdict').inner_text()
    with tab.expect_download() as download:
        tab.get_by_role('link', name='Mask').click()
    download.value.save_as(tmp_path / 'mask.png')
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / 'mask.png'), -1) == 255, wanted.score > 0.2)

    # What is painted: over the mask the overlay is redder than the image, by the opacity; elsewhere it is the image.
    move(tab, 'opacity', 100)
    tab.wait_for_function('getComputedStyle(document.querySelector("#views .layer")).opacity === "1"')
    tab.wait_for_function('[...document.querySelectorAll("#views img")].every(each => each.complete)')
    painted = cv2.imdecode(np.frombuffer(tab.locator('#views .layer').screenshot(), np.uint8), cv2.IMREAD_COLOR)
    red = (painted[..., 2] > 240) & (painted[..., :2] < 25).all(-1)
    mask = cv2.resize((wanted.score > 0.2).astype(np.uint8), red.shape[::-1], interpolation=cv2.INTER_AREA) > 0
    assert (red == mask).mean() > 0.97
    assert {url.split('/')[2] for url in tab.asked if url.startswith('http')} == {address[0].split('/')[2]}


def paste(tab: object, path: Path) -> None:
    """What a browser does when its user pastes an image: an event with the file in a clipboard."""
    tab.evaluate(
        """([content, name]) => {
            const bytes = Uint8Array.from(atob(content), letter => letter.charCodeAt(0));
            const clipboard = new DataTransfer();
            clipboard.items.add(new File([bytes], name, { type: 'image/png' }));
            document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: clipboard, bubbles: true }));
        }""",
        [base64.b64encode(path.read_bytes()).decode(), path.name],
    )


def test_an_image_is_pasted(tab: object, address: tuple[str, Path], forgery: Path, tmp_path: Path) -> None:
    pasted = tmp_path / 'pasted.png'
    cv2.imwrite(str(pasted), cv2.imread(str(forgery))[:200])
    tab.goto(address[0])
    tab.locator('#drop input[type=file]').wait_for(state='attached')
    # Text goes where it is typed, and to no model.
    tab.evaluate("document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: new DataTransfer() }))")
    paste(tab, pasted)
    tab.locator('#views .layer').wait_for(state='attached')
    np.testing.assert_array_equal(shown_mask(tab), FOCALInferencer(device='cpu')(pasted).mask == 255)
    assert 'pasted.png' in tab.locator('#views').inner_text()
    assert not [path for path in address[1].rglob('*') if path.is_file() and 'pasted' in path.name]


def test_a_checkpoint_of_ones_own_is_loaded_and_used(
    tab: object, address: tuple[str, Path], trained: tuple[Path, Path], forgery: Path
) -> None:
    config, checkpoint = map(str, trained)
    tab.goto(address[0])
    tab.get_by_text('A checkpoint of your own').click()
    own = tab.locator('#own')
    own.get_by_role('button', name='Load').click()
    own.get_by_text('Name the config').wait_for()
    own.get_by_label('Config').fill(config)
    own.get_by_label('Checkpoint').fill('nowhere.pth')
    own.get_by_role('button', name='Load').click()
    own.get_by_text('nowhere.pth does not exist').wait_for()
    own.get_by_label('Checkpoint').fill(checkpoint)
    own.get_by_role('button', name='Load').click()
    own.get_by_text('is ready').wait_for()
    assert tab.locator('#model input').input_value() == f'{config} with {checkpoint}'
    tab.locator('#drop input[type=file]').set_input_files(str(forgery))
    tab.locator('#views .layer').wait_for(state='attached')
    wanted = FOCALInferencer(config, checkpoint, device='cpu')(forgery)
    np.testing.assert_array_equal(shown_mask(tab), wanted.mask == 255)


def test_nothing_of_a_closed_tab_is_left(tab: object, address: tuple[str, Path], forgery: Path) -> None:
    other = tab.context.new_page()
    other.set_default_timeout(PATIENCE)
    other.goto(address[0])
    other.locator('#drop input[type=file]').set_input_files(str(forgery))
    other.locator('#views .layer').wait_for(state='attached')
    kept = other.locator('#views .layer').evaluate('each => each.src')
    assert tab.request.get(kept).status == 200
    other.close()
    until = time.monotonic() + PATIENCE / 1000
    while tab.request.get(kept).status != 404 and time.monotonic() < until:
        time.sleep(0.5)
    assert tab.request.get(kept).status == 404
    assert not [path for path in address[1].rglob('*') if path.is_file() and forgery.stem in path.name]


def test_a_broken_file_is_named_and_the_others_go_on(tab: object, forgery: Path, tmp_path: Path) -> None:
    (tmp_path / 'broken.jpg').write_bytes(forgery.read_bytes()[:300])
    (tmp_path / 'another.jpg').write_bytes(forgery.read_bytes())
    # Without the images of other tests.
    tab.reload()
    tab.locator('#drop input[type=file]').set_input_files(
        [str(tmp_path / 'broken.jpg'), str(forgery), str(tmp_path / 'another.jpg')]
    )
    tab.locator('#said .failed').wait_for()
    assert tab.locator('#said').inner_text().startswith('broken.jpg: the image cannot be read')
    # The choice is drawn after the message.
    tab.locator('#chosen input[type=radio]').nth(1).wait_for(state='attached')
    assert tab.locator('#chosen input[type=radio]').count() == 2
