"""The command for one's own pictures."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest


@pytest.fixture
def predict(root: Path, trained: tuple[Path, Path], run_tool: Callable) -> Callable[..., int]:
    """Runs tools/predict.py; its exit status."""

    def run(source: Path, out: Path, *more: str) -> int:
        config, checkpoint = trained
        arguments = ('--config', config, '--checkpoint', checkpoint, '--out', out, '--device', 'cpu', *more)
        with pytest.raises(SystemExit) as stop:
            run_tool(root / 'tools' / 'predict.py', source, *arguments)
        return stop.value.code

    return run


def test_a_picture_gets_mask_score_overlay_and_summary(predict: Callable, picture: Path, tmp_path: Path) -> None:
    assert predict(picture, tmp_path / 'out') == 0
    folder = tmp_path / 'out' / picture.name
    mask = cv2.imread(str(folder / 'mask.png'), cv2.IMREAD_UNCHANGED)
    score = cv2.imread(str(folder / 'score.png'), cv2.IMREAD_UNCHANGED)
    image = cv2.imread(str(picture))
    assert mask.shape == score.shape == image.shape[:2]
    assert cv2.imread(str(folder / 'overlay.png')).shape == image.shape
    assert score.dtype == np.uint16
    assert ((score > 32767) == (mask == 255)).mean() > 0.999
    summary = json.loads((folder / 'summary.json').read_text())
    assert summary['forged_share'] == pytest.approx((mask == 255).mean(), abs=1e-5)
    clustered = {'clusters', 'noise_share', 'image_score'}
    assert set(summary) == {'picture', 'width', 'height', 'forged_share', 'seconds'} | clustered
    assert sorted(path.name for path in folder.iterdir()) == ['mask.png', 'overlay.png', 'score.png', 'summary.json']


def test_a_folder_goes_on_past_bad_files_and_lists_them(
    predict: Callable, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    source = tmp_path / 'pictures'
    (source / 'below').mkdir(parents=True)
    shutil.copy(picture, source / 'good.png')
    shutil.copy(picture, source / 'below' / 'good.png')
    (source / 'a garbage.jpg').write_bytes(b'no picture')
    (source / 'b truncated.png').write_bytes(picture.read_bytes()[: picture.stat().st_size // 2])
    (source / 'notes.txt').write_text('not a picture by its name')
    assert predict(source, tmp_path / 'out') == 1
    output = capsys.readouterr()
    assert '2 of 4 pictures written' in output.out
    assert 'a garbage.jpg cannot be read' in output.err
    assert 'b truncated.png cannot be read' in output.err
    written = {
        path.relative_to(tmp_path / 'out').as_posix() for path in (tmp_path / 'out').rglob('*') if path.is_file()
    }
    files = ('mask.png', 'overlay.png', 'score.png', 'summary.json')
    expected = {f'{name}/{file}' for name in ('good.png', 'below/good.png') for file in files}
    assert written == {'predictions.json', *expected}


def test_a_name_that_is_not_utf8_is_one_like_others(predict: Callable, picture: Path, tmp_path: Path) -> None:
    source = tmp_path / 'pictures'
    source.mkdir()
    name = os.fsdecode(b'caf\xe9.png')
    shutil.copy(picture, source / name)
    assert predict(source, tmp_path / 'out') == 0
    folder = tmp_path / 'out' / name
    assert sorted(path.name for path in folder.iterdir()) == ['mask.png', 'overlay.png', 'score.png', 'summary.json']
    assert json.loads((folder / 'summary.json').read_text())['picture'] == str(source / name)


@pytest.mark.parametrize('size', [(1, 1), (300, 4), (4, 300)])
def test_the_thinnest_pictures_are_handled(predict: Callable, tmp_path: Path, size: tuple[int, int]) -> None:
    picture = tmp_path / 'thin.png'
    cv2.imwrite(str(picture), np.random.default_rng(0).integers(0, 255, (*size[::-1], 3), np.uint8))
    assert predict(picture, tmp_path / 'out') == 0
    assert cv2.imread(str(tmp_path / 'out' / 'thin.png' / 'mask.png')).shape[:2] == size[::-1]


def test_the_clusterer_is_swapped_by_an_option(predict: Callable, picture: Path, tmp_path: Path) -> None:
    option = 'model.decode_head.clusterer.type=KMeansClusterer'
    assert predict(picture, tmp_path / 'out', '--cfg-options', option) == 0
    assert json.loads((tmp_path / 'out' / picture.name / 'summary.json').read_text())['clusters'] == 2


def test_a_folder_without_pictures_is_named(predict: Callable, tmp_path: Path) -> None:
    (tmp_path / 'empty').mkdir()
    with pytest.raises(FileNotFoundError, match='empty holds no picture'):
        predict(tmp_path / 'empty', tmp_path / 'out')


def test_nothing_half_written_stays_when_writing_fails(
    predict: Callable, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cv2, 'imencode', lambda ending, image: (False, None))
    assert predict(picture, tmp_path / 'out') == 1
    assert [path.name for path in (tmp_path / 'out').rglob('*') if path.is_file()] == ['predictions.json']


def test_results_inside_the_input_folder_are_no_pictures(predict: Callable, picture: Path, tmp_path: Path) -> None:
    source = tmp_path / 'pictures'
    source.mkdir()
    shutil.copy(picture, source / 'a.png')
    shutil.copy(picture, source / '._a.png')
    for _ in range(2):
        assert predict(source, source / 'out') == 0
    assert sorted(path.name for path in (source / 'out').iterdir()) == ['a.png', 'predictions.json']


def test_results_that_are_there_are_not_computed_again(
    predict: Callable, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    source, out = tmp_path / 'pictures', tmp_path / 'out'
    source.mkdir()
    for name in ('a.png', 'b.png', 'c.png'):
        shutil.copy(picture, source / name)
    assert predict(source, out) == 0
    times = {path: path.stat().st_mtime_ns for path in out.rglob('*.png') if path.is_file()}
    # Interrupted before the last file of one picture; another picture was changed since.
    (out / 'a.png' / 'summary.json').unlink()
    os.utime(source / 'b.png')
    assert predict(source, out) == 0
    assert '2 of 2 pictures written' in capsys.readouterr().out
    assert {path.parent.name for path, time in times.items() if path.stat().st_mtime_ns != time} == {'a.png', 'b.png'}
    assert predict(source, out) == 0
    assert '0 of 0 pictures written' in capsys.readouterr().out


def test_results_of_another_model_are_refused_unless_they_are_to_be_replaced(
    predict: Callable, picture: Path, tmp_path: Path
) -> None:
    out, option = tmp_path / 'out', ('--cfg-options', 'model.decode_head.clusterer.type=KMeansClusterer')
    assert predict(picture, out) == 0
    with pytest.raises(FileExistsError, match=r'out holds results of another options: .*--again'):
        predict(picture, out, *option)
    assert predict(picture, out, '--again', *option) == 0
    assert json.loads((out / picture.name / 'summary.json').read_text())['clusters'] == 2
