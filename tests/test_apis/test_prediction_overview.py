"""The page and the table of a folder of predictions: of all calls, not of the last alone."""

import csv
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from focal_mmseg.apis import Prediction, prediction_overview
from focal_mmseg.apis.prediction_folder import PredictionFolder, file_state
from focal_mmseg.apis.prediction_overview import require_own_overview, write_overview
from focal_mmseg.utils import ConfigError


@pytest.fixture
def results(tmp_path: Path) -> PredictionFolder:
    """Of one model, without an image yet."""
    return folder_of(tmp_path, 'w')


def folder_of(tmp_path: Path, weights: str) -> PredictionFolder:
    found = PredictionFolder(tmp_path / 'out', dict(weights=weights))
    found.claim(again=True)
    return found


def image(tmp_path: Path, name: str) -> Path:
    path = tmp_path / 'images' / name
    path.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(path), np.full((8, 12, 3), 90, np.uint8))
    return path


def predict(results: PredictionFolder, path: Path, share: float = 0.5) -> None:
    mask = np.zeros((8, 12), np.uint8)
    mask[:, : round(12 * share)] = 255
    prediction = Prediction(mask, mask / np.float32(255), dict(forged_share=share, image_score=share, seconds=1.0))
    results.write(path.name, path, file_state(path), prediction)


def rows(tmp_path: Path) -> dict[str, dict[str, str]]:
    with (tmp_path / 'out' / 'results.csv').open(newline='') as file:
        return {row['image']: row for row in csv.DictReader(file)}


def shown(tmp_path: Path) -> list[str]:
    return re.findall(r'data-name="(.*?)"', (tmp_path / 'out' / 'index.html').read_text())


def test_what_was_predicted_before_is_there_too(results: PredictionFolder, tmp_path: Path) -> None:
    first, second = image(tmp_path, 'b.png'), image(tmp_path, 'a.png')
    predict(results, first, 0.25)
    write_overview(results, {'b.png': first}, {})
    predict(results, second, 0.75)
    found = write_overview(results, {'a.png': second}, {})
    assert list(found) == list(rows(tmp_path)) == ['a.png', 'b.png']
    assert {name: row['forged_share'] for name, row in rows(tmp_path).items()} == {'a.png': '0.75', 'b.png': '0.25'}
    assert rows(tmp_path)['b.png']['file'] == str(first)
    # The highest image score first.
    assert shown(tmp_path) == ['a.png', 'b.png']
    predict(results, first, 1.0)
    write_overview(results, {'b.png': first}, {})
    assert rows(tmp_path)['b.png']['forged_share'] == '1.0' and shown(tmp_path) == ['b.png', 'a.png']


def test_results_that_are_gone_or_of_another_model_are_not(
    results: PredictionFolder, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    paths = {name: image(tmp_path, name) for name in ('a.png', 'b.png', 'c.png')}
    for path in paths.values():
        predict(results, path)
    (tmp_path / 'out' / 'a.png' / 'summary.json').unlink()
    (tmp_path / 'out' / 'b.png' / 'summary.json').write_text('{"image"')
    assert list(write_overview(results, {}, {})) == list(rows(tmp_path)) == shown(tmp_path) == ['c.png']
    assert not capsys.readouterr().err
    other = folder_of(tmp_path, 'v')
    predict(other, paths['a.png'])
    assert list(write_overview(other, {}, {})) == list(rows(tmp_path)) == shown(tmp_path) == ['a.png']
    assert '1 images' in capsys.readouterr().err


def test_a_failure_has_its_row_until_it_is_mended(results: PredictionFolder, tmp_path: Path) -> None:
    paths = {name: image(tmp_path, name) for name in ('bad.png', 'good.png', 'gone.png')}
    predict(results, paths['good.png'])
    write_overview(results, paths, {'bad.png': 'truncated, "so"\nsaid', 'gone.png': 'no image'})
    assert list(rows(tmp_path)) == ['bad.png', 'gone.png', 'good.png']
    paths['gone.png'].unlink()
    write_overview(results, {}, {})
    assert {name: row['failure'] for name, row in rows(tmp_path).items()} == {
        'bad.png': 'truncated, "so"\nsaid',
        'good.png': '',
    }
    predict(results, paths['bad.png'])
    write_overview(results, {'bad.png': paths['bad.png']}, {})
    assert not any(row['failure'] for row in rows(tmp_path).values())
    # What it was before it failed is no result of it.
    paths['good.png'].write_bytes(b'damaged since')
    write_overview(results, {'good.png': paths['good.png']}, {'good.png': 'no image'})
    write_overview(results, {}, {})
    assert rows(tmp_path)['good.png']['failure'] == 'no image' and not rows(tmp_path)['good.png']['forged_share']


def test_small_images_are_made_once(results: PredictionFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = image(tmp_path, 'a.png')
    predict(results, path, 0.5)
    write_overview(results, {'a.png': path}, {})
    before = (tmp_path / 'out' / 'index.html').read_text()
    # An image that was put away keeps its row.
    path.unlink()
    write_overview(results, {}, {})
    assert (tmp_path / 'out' / 'index.html').read_text() == before and before.count('data:image') >= 3
    for damaged in ('', '[]', '{"a.png": 3}', '{"a.png": {"of": "x", "views": [{}]}}'):
        (tmp_path / 'out' / '.views.json').write_text(damaged)
        write_overview(results, {'a.png': image(tmp_path, 'a.png')}, {})
        assert (tmp_path / 'out' / 'index.html').read_text() == before
    monkeypatch.setattr(prediction_overview, 'load_image', None)
    write_overview(results, {}, {})


def test_a_result_that_cannot_be_shown_says_why(results: PredictionFolder, tmp_path: Path) -> None:
    path = image(tmp_path, 'a.png')
    predict(results, path)
    (tmp_path / 'out' / 'a.png' / 'mask.png').unlink()
    write_overview(results, {'a.png': path}, {})
    assert 'cannot be shown' in (tmp_path / 'out' / 'index.html').read_text()
    assert rows(tmp_path)['a.png']['forged_share'] == '0.5'


@pytest.mark.parametrize('content', ['a,b\n1,2\n', '', '\x00', 'image;file\n'])
def test_a_table_of_another_kind_is_named(results: PredictionFolder, tmp_path: Path, content: str) -> None:
    (tmp_path / 'out' / 'results.csv').write_text(content)
    with pytest.raises(ConfigError, match=r'results\.csv has other columns'):
        require_own_overview(tmp_path / 'out')


@pytest.mark.parametrize('name', ['index.html', 'results.csv'])
def test_what_is_not_of_predictions_is_not_replaced(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('mine')
    with pytest.raises(ConfigError, match=rf'{name} is of something else'):
        require_own_overview(tmp_path)
    require_own_overview(tmp_path / 'nowhere')


def test_rows_that_are_damaged_are_made_anew(results: PredictionFolder, tmp_path: Path) -> None:
    path = image(tmp_path, 'a.png')
    predict(results, path)
    write_overview(results, {'a.png': path}, {})
    table = tmp_path / 'out' / 'results.csv'
    whole = table.read_text()
    for damaged in (whole[:-9], whole + 'b.png,b', whole + 'b.png,"b'):
        table.write_text(damaged)
        require_own_overview(tmp_path / 'out')
        write_overview(results, {}, {})
        assert table.read_text() == whole
