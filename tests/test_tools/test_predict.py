"""The command for one's own images."""

import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import weakref
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from focal_mmseg.apis import Calibration, FOCALInferencer
from focal_mmseg.apis.calibration import fingerprint
from focal_mmseg.utils.arguments import INTERRUPTED

# Kills the process in place of a rename, as the system does when memory runs out, and notes what is loaded.
KILLING = """
import os
import signal
from pathlib import Path

from mmseg.registry import TRANSFORMS

rename, left = Path.replace, int(os.environ.get('KILLED_AT_RENAME', 0))


def replace(path, target):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    return rename(path, target)


if left:
    Path.replace = replace


@TRANSFORMS.register_module()
class Noted:
    def __init__(self, file):
        self.file = file

    def __call__(self, results):
        with open(self.file, 'a') as file:
            print(Path(results['img_path']).name, file=file)
        return results
"""
FILES = ('mask.png', 'overlay.png', 'score.png', 'summary.json')
OVERVIEW = {'predictions.json', 'index.html', 'results.csv', '.views.json'}


@pytest.fixture
def predict(root: Path, trained: tuple[Path, Path], run_tool: Callable) -> Callable[..., int]:
    """Runs tools/predict.py; its exit status, or what it says at the end."""

    def run(source: Path, out: Path, *more: str) -> int | str:
        config, checkpoint = trained
        arguments = ('--config', config, '--checkpoint', checkpoint, '--out', out, '--device', 'cpu', *more)
        with pytest.raises(SystemExit) as stop:
            run_tool(root / 'tools' / 'predict.py', source, *arguments)
        return stop.value.code

    return run


def test_an_image_gets_mask_score_overlay_and_summary(predict: Callable, image_path: Path, tmp_path: Path) -> None:
    assert predict(image_path, tmp_path / 'out') == 0
    folder = tmp_path / 'out' / image_path.name
    mask = cv2.imread(str(folder / 'mask.png'), cv2.IMREAD_UNCHANGED)
    score = cv2.imread(str(folder / 'score.png'), cv2.IMREAD_UNCHANGED)
    image = cv2.imread(str(image_path))
    assert mask.shape == score.shape == image.shape[:2]
    assert cv2.imread(str(folder / 'overlay.png')).shape == image.shape
    assert score.dtype == np.uint16
    assert ((score > 32767) == (mask == 255)).mean() > 0.999
    summary = json.loads((folder / 'summary.json').read_text())
    assert summary['forged_share'] == pytest.approx((mask == 255).mean(), abs=1e-5)
    clustered = {'clusters', 'noise_share', 'image_score'}
    assert set(summary) == {'image', 'width', 'height', 'forged_share', 'seconds', 'origin'} | clustered
    assert sorted(path.name for path in folder.iterdir()) == [*FILES]


def test_a_folder_goes_on_past_bad_files_and_lists_them(
    predict: Callable, image_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    source = tmp_path / 'images'
    (source / 'below').mkdir(parents=True)
    shutil.copy(image_path, source / 'good.png')
    shutil.copy(image_path, source / 'below' / 'good.png')
    (source / 'a garbage.jpg').write_bytes(b'no image')
    (source / 'b truncated.png').write_bytes(image_path.read_bytes()[: image_path.stat().st_size // 2])
    (source / 'notes.txt').write_text('not an image by its name')
    assert predict(source, tmp_path / 'out') == 1
    output = capsys.readouterr()
    assert '2 of 4 images written' in output.out
    assert 'a garbage.jpg cannot be read' in output.err
    assert 'b truncated.png cannot be read' in output.err
    written = {
        path.relative_to(tmp_path / 'out').as_posix() for path in (tmp_path / 'out').rglob('*') if path.is_file()
    }
    expected = {f'{name}/{file}' for name in ('good.png', 'below/good.png') for file in FILES}
    assert written == {*OVERVIEW, *expected}


def test_a_name_that_is_not_utf8_is_one_like_others(predict: Callable, image_path: Path, tmp_path: Path) -> None:
    source = tmp_path / 'images'
    source.mkdir()
    name = os.fsdecode(b'caf\xe9.png')
    shutil.copy(image_path, source / name)
    assert predict(source, tmp_path / 'out') == 0
    folder = tmp_path / 'out' / name
    assert sorted(path.name for path in folder.iterdir()) == [*FILES]
    assert json.loads((folder / 'summary.json').read_text())['image'] == str(source / name)


@pytest.mark.parametrize('size', [(1, 1), (300, 4), (4, 300)])
def test_the_thinnest_images_are_handled(predict: Callable, tmp_path: Path, size: tuple[int, int]) -> None:
    image_path = tmp_path / 'thin.png'
    cv2.imwrite(str(image_path), np.random.default_rng(0).integers(0, 255, (*size[::-1], 3), np.uint8))
    assert predict(image_path, tmp_path / 'out') == 0
    assert cv2.imread(str(tmp_path / 'out' / 'thin.png' / 'mask.png')).shape[:2] == size[::-1]


def test_the_clusterer_is_swapped_by_an_option(predict: Callable, image_path: Path, tmp_path: Path) -> None:
    option = 'model.decode_head.clusterer.type=KMeansClusterer'
    assert predict(image_path, tmp_path / 'out', '--cfg-options', option) == 0
    assert json.loads((tmp_path / 'out' / image_path.name / 'summary.json').read_text())['clusters'] == 2


def test_a_folder_that_cannot_be_written_is_named(predict: Callable, image_path: Path, tmp_path: Path) -> None:
    (tmp_path / 'file').touch()
    assert 'file/out: Not a directory. Give another folder by --out' in predict(image_path, tmp_path / 'file' / 'out')


def test_a_folder_without_images_is_named(predict: Callable, tmp_path: Path) -> None:
    (tmp_path / 'empty').mkdir()
    assert 'empty holds no image' in predict(tmp_path / 'empty', tmp_path / 'out')


@pytest.mark.parametrize('option', ['image', '--config', '--checkpoint'])
def test_what_the_command_line_names_but_is_missing_ends_in_one_line(
    predict: Callable, image_path: Path, tmp_path: Path, option: str
) -> None:
    nowhere = tmp_path / 'nowhere.py'
    more = () if option == 'image' else (option, str(nowhere))
    said = predict(nowhere if option == 'image' else image_path, tmp_path / 'out', *more)
    assert said.startswith('predict.py: ') and 'nowhere.py' in said and len(said.splitlines()) == 1
    assert not (tmp_path / 'out').exists()


def test_nothing_half_written_stays_when_writing_fails(
    predict: Callable, image_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cv2, 'imencode', lambda ending, image: (False, None))
    assert predict(image_path, tmp_path / 'out') == 1
    assert {path.name for path in (tmp_path / 'out').rglob('*') if path.is_file()} == OVERVIEW


def test_results_inside_the_input_folder_are_no_images(predict: Callable, image_path: Path, tmp_path: Path) -> None:
    source = tmp_path / 'images'
    source.mkdir()
    shutil.copy(image_path, source / 'a.png')
    shutil.copy(image_path, source / '._a.png')
    for _ in range(2):
        assert predict(source, source / 'out') == 0
    assert {path.name for path in (source / 'out').iterdir()} == {'a.png', *OVERVIEW}


def test_results_that_are_there_are_not_computed_again(
    predict: Callable, image_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    source, out = tmp_path / 'images', tmp_path / 'out'
    source.mkdir()
    for name in ('a.png', 'b.png', 'c.png'):
        shutil.copy(image_path, source / name)
    assert predict(source, out) == 0
    times = {path: path.stat().st_mtime_ns for path in out.rglob('*.png') if path.is_file()}
    # Interrupted before the last file of one image; another image was changed since.
    (out / 'a.png' / 'summary.json').unlink()
    os.utime(source / 'b.png')
    assert predict(source, out) == 0
    assert '2 of 2 images written' in capsys.readouterr().out
    assert {path.parent.name for path, time in times.items() if path.stat().st_mtime_ns != time} == {'a.png', 'b.png'}
    assert predict(source, out) == 0
    assert '0 of 0 images written' in capsys.readouterr().out


def test_results_of_another_model_are_refused_unless_they_are_to_be_replaced(
    predict: Callable, image_path: Path, tmp_path: Path
) -> None:
    out, option = tmp_path / 'out', ('--cfg-options', 'model.decode_head.clusterer.type=KMeansClusterer')
    assert predict(image_path, out) == 0
    said = predict(image_path, out, *option)
    assert 'out holds results of other options: ' in said and '--again' in said
    assert predict(image_path, out, '--again', *option) == 0
    assert json.loads((out / image_path.name / 'summary.json').read_text())['clusters'] == 2


@pytest.fixture
def three(image_path: Path, tmp_path: Path) -> Path:
    """A folder of three images."""
    folder = tmp_path / 'images'
    folder.mkdir()
    for name in ('a.png', 'b.png', 'c.png'):
        shutil.copy(image_path, folder / name)
    return folder


def test_a_replacement_that_was_interrupted_goes_on_and_mixes_no_models(
    predict: Callable, three: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    out, other = tmp_path / 'out', ('--cfg-options', 'model.decode_head.clusterer.type=KMeansClusterer')
    original = FOCALInferencer.__call__

    def interrupted(self: FOCALInferencer, image: Path) -> object:
        if image.name == 'b.png':
            raise KeyboardInterrupt
        return original(self, image)

    def models() -> list[str]:
        return [json.loads(path.read_text())['origin']['model'] for path in sorted(out.rglob('summary.json'))]

    assert predict(three, out) == 0
    with monkeypatch.context() as patched:
        patched.setattr(FOCALInferencer, '__call__', interrupted)
        assert predict(three, out, '--again', *other) == INTERRUPTED
    first, second, third = models()
    assert first != second == third
    kept = (out / 'a.png' / 'summary.json').stat().st_mtime_ns
    assert predict(three, out, *other) == 0
    assert models() == [first] * 3
    assert (out / 'a.png' / 'summary.json').stat().st_mtime_ns == kept


def test_an_image_that_an_older_file_replaced_is_computed_again(
    predict: Callable, image_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert predict(image_path, tmp_path / 'out') == 0
    cv2.imwrite(str(image_path), np.zeros((20, 30, 3), np.uint8))
    os.utime(image_path, (1, 1))
    assert predict(image_path, tmp_path / 'out') == 0
    assert '1 of 1 images written' in capsys.readouterr().out
    assert json.loads((tmp_path / 'out' / image_path.name / 'summary.json').read_text())['width'] == 30


def test_whatever_befalls_one_image_the_others_go_on_and_nothing_of_it_is_kept(
    predict: Callable, three: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    original, errors, living = FOCALInferencer.__call__, [], []

    def call(self: FOCALInferencer, image: Path) -> object:
        gc.collect()
        living.extend(error() for error in errors)
        if image.name == 'c.png':
            return original(self, image)
        # Of a class of its own, because of Python's own errors no reference can be weak.
        error = type('OddError', (MemoryError,), {})('two\nlines')
        errors.append(weakref.ref(error))
        raise error

    monkeypatch.setattr(FOCALInferencer, '__call__', call)
    assert predict(three, tmp_path / 'out') == 1
    said = capsys.readouterr().err
    for name in ('a.png', 'b.png'):
        assert f'failed: {three / name}: OddError: two lines' in said
    assert (tmp_path / 'out' / 'c.png' / 'summary.json').is_file()
    assert living == [None] * 3


def test_an_image_that_is_deleted_meanwhile_is_reported(
    predict: Callable, three: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    original = FOCALInferencer.__init__

    def delete_first(self: FOCALInferencer, *arguments: object) -> None:
        (three / 'a.png').unlink()
        original(self, *arguments)

    monkeypatch.setattr(FOCALInferencer, '__init__', delete_first)
    assert predict(three, tmp_path / 'out') == 1
    said = capsys.readouterr()
    assert '2 of 3 images written' in said.out and f'failed: {three / "a.png"}: ' in said.err


def test_a_run_that_was_killed_goes_on_where_it_was(
    root: Path,
    run_tool: Callable,
    trained: tuple[Path, Path],
    three: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / 'killed_at_rename.py').write_text(KILLING)
    cfg = Config.fromfile(trained[0])
    cfg.custom_imports.imports.append('killed_at_rename')
    cfg.test_pipeline.insert(1, dict(type='Noted', file=str(tmp_path / 'loaded.txt')))
    cfg.dump(tmp_path / 'config.py')
    out = tmp_path / 'out'
    command = [root / 'tools' / 'predict.py', three, '--config', tmp_path / 'config.py', '--checkpoint', trained[1]]
    command += ['--out', out, '--device', 'cpu']
    # The first is predictions.json's, then four an image: b.png has its mask only.
    environment = os.environ | dict(PYTHONPATH=os.pathsep.join([str(tmp_path), str(root)]), KILLED_AT_RENAME='7')
    killed = subprocess.run([sys.executable, *command], capture_output=True, env=environment, timeout=300)
    assert killed.returncode == -signal.SIGKILL
    assert not (out / 'b.png' / 'summary.json').exists()
    whole = {path: path.read_bytes() for path in (out / 'a.png').iterdir()}
    assert sorted(path.name for path in whole) == [*FILES]
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SystemExit) as stop:
        run_tool(*command)
    assert stop.value.code == 0
    assert {path: path.read_bytes() for path in (out / 'a.png').iterdir()} == whole
    assert (tmp_path / 'loaded.txt').read_text().split() == ['a.png', 'b.png', 'b.png', 'c.png']
    for name in ('a.png', 'b.png', 'c.png'):
        found = sorted(path.name for path in (out / name).iterdir() if not path.name.startswith('.'))
        assert found == [*FILES]
        assert all(cv2.imread(str(out / name / file)) is not None for file in FILES[:3])


def test_images_of_any_name_are_taken_and_the_rest_is_counted(
    predict: Callable, image_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    source = tmp_path / 'images'
    source.mkdir()
    image = cv2.imread(str(image_path))
    Image.fromarray(image[..., ::-1]).save(source / 'a.avif')
    Image.fromarray(image[..., ::-1]).save(source / 'b', 'GIF')
    shutil.copy(image_path, source / 'c.dat')
    (source / 'd.psd').write_bytes(b'8BPS' + bytes(40))
    (source / 'e.txt').write_text('notes')
    assert predict(source, tmp_path / 'out') == 0
    output = capsys.readouterr()
    said = output.out + output.err
    assert f'left out of {source}: 1 PSD, which is not read: save it as PNG; 1 no image (.txt)' in said
    assert '3 of 3 images written' in said
    for name in ('a.avif', 'b', 'c.dat'):
        assert sorted(path.name for path in (tmp_path / 'out' / name).iterdir()) == [*FILES]
        assert cv2.imread(str(tmp_path / 'out' / name / 'overlay.png')).shape == image.shape


def test_a_kind_that_is_not_read_is_called_by_its_name(
    predict: Callable, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / 'a.psd').write_bytes(b'8BPS' + bytes(40))
    assert predict(tmp_path / 'a.psd', tmp_path / 'out') == 1
    assert 'a.psd cannot be read: it is PSD, which is not read: save it as PNG' in capsys.readouterr().err


def test_clusters_are_written_on_request(predict: Callable, image_path: Path, tmp_path: Path) -> None:
    assert predict(image_path, tmp_path / 'out', '--clusters') == 0
    folder = tmp_path / 'out' / image_path.name
    clusters, mask = (cv2.imread(str(folder / f'{name}.png'), cv2.IMREAD_UNCHANGED) for name in ('clusters', 'mask'))
    np.testing.assert_array_equal(clusters > 0, mask == 255)
    summary = json.loads((folder / 'summary.json').read_text())
    assert [each['cluster'] for each in summary['sources']] == np.unique(clusters[clusters > 0]).tolist()
    assert 'results of other clusters' in predict(image_path, tmp_path / 'out')


def test_a_calibration_decides_and_its_results_are_not_mixed_with_others(
    predict: Callable, trained: tuple[Path, Path], image_path: Path, tmp_path: Path
) -> None:
    found = Calibration('pixels', 0.05, 25.0, 40, 'conformal risk control', **fingerprint(*trained))
    found.write(tmp_path / 'calibration.json')
    given = ('--calibration', str(tmp_path / 'calibration.json'))
    assert predict(image_path, tmp_path / 'out', *given) == 0
    folder = tmp_path / 'out' / image_path.name
    assert not cv2.imread(str(folder / 'mask.png'), cv2.IMREAD_UNCHANGED).any()
    assert json.loads((folder / 'summary.json').read_text())['calibration'] == str(found)
    assert f'False alarms are calibrated for {found}.' in (tmp_path / 'out' / 'index.html').read_text()
    assert 'results of other calibration' in predict(image_path, tmp_path / 'out')
    refused = predict(image_path, tmp_path / 'b', *given, '--cfg-options', 'model.decode_head.max_points=99')
    assert 'is of other config' in refused
