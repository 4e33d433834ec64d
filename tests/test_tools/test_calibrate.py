"""The command that sets the level of false alarms, and the commands that read its file."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from focal_mmseg.apis import Calibration, FOCALInferencer
from focal_mmseg.datasets.synthesis import load_packaged


@pytest.fixture
def pristine(tmp_path: Path) -> Path:
    """Nineteen small photographs: cuts of two."""
    folder = tmp_path / 'pristine'
    (folder / 'below').mkdir(parents=True)
    for number in range(19):
        photograph = load_packaged('chelsea' if number % 2 else 'coffee')[..., ::-1]
        cut = photograph[10 * number : 10 * number + 60, 15 * number : 15 * number + 80]
        cv2.imwrite(str(folder / ('below' if number > 9 else '') / f'{number}.png'), np.ascontiguousarray(cut))
    return folder


@pytest.fixture
def calibrate(root: Path, trained: tuple[Path, Path], run_tool: Callable, tmp_path: Path) -> Callable[..., int | str]:
    """Runs tools/calibrate.py; its exit status, or what it says at the end."""

    def run(folder: Path, level: str, *more: str) -> int | str:
        arguments = ('--pristine', folder, '--false-alarms', level, '--out', tmp_path / 'calibration.json', *more)
        with pytest.raises(SystemExit) as stop:
            run_tool(root / 'tools' / 'calibrate.py', *trained, *arguments, '--device', 'cpu')
        return stop.value.code

    return run


@pytest.mark.parametrize('of', ['pixels', 'images'])
def test_the_level_holds_on_the_images_it_was_found_on(
    calibrate: Callable, trained: tuple[Path, Path], pristine: Path, tmp_path: Path, of: str
) -> None:
    assert calibrate(pristine, '0.1', '--of', of) == 0
    found = Calibration.read(tmp_path / 'calibration.json')
    assert (found.of, found.level, found.images) == (of, 0.1, 19)
    focal = FOCALInferencer(*trained, device='cpu', calibration=tmp_path / 'calibration.json')
    masks = [focal(path).mask == 255 for path in sorted(pristine.rglob('*.png'))]
    if of == 'pixels':
        assert 20 * 0.1 - 1 >= 19 * np.mean([mask.mean() for mask in masks]) > 0
    else:
        # The 18th of 19 highest margins: one image lies above it.
        assert sum(mask.any() for mask in masks) == 1


def test_too_few_images_for_the_level_are_told_before_the_model_is_built(calibrate: Callable, pristine: Path) -> None:
    said = calibrate(pristine, '0.01')
    assert 'a level of 0.01 needs at least 99 pristine images' in said and 'holds 19' in said
    assert 'must be in (0, 1)' in calibrate(pristine, '5')
    assert 'does not exist' in calibrate(pristine / 'nowhere', '0.1')


def test_damaged_images_are_named_and_left_out(
    calibrate: Callable, pristine: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    (pristine / 'damaged.jpg').write_bytes(b'no image')
    assert calibrate(pristine, '0.05') == 1
    assert 'damaged.jpg cannot be read' in capsys.readouterr().err
    assert Calibration.read(tmp_path / 'calibration.json').images == 19
    (pristine / '0.png').write_bytes(b'no image')
    (tmp_path / 'calibration.json').unlink()
    assert 'needs at least 19 pristine images, got 18' in calibrate(pristine, '0.05')
    assert not (tmp_path / 'calibration.json').exists()


def test_a_test_tells_the_level_that_it_met_beside_the_one_calibrated_for(
    root: Path,
    calibrate: Callable,
    trained: tuple[Path, Path],
    pristine: Path,
    run_tool: Callable,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:
    assert calibrate(pristine, '0.1') == 0
    given = ('--calibration', tmp_path / 'calibration.json', '--work-dir', tmp_path / 'work')
    run_tool(root / 'tools' / 'test.py', *trained, *given, '--out', tmp_path / 'masks')
    shown = capsys.readouterr()
    said = re.search(r'calibrated for 10 % of pixels \(.*, 19 pristine images\); met ([\d.]+)%', shown.out + shown.err)
    records = json.loads((tmp_path / 'masks' / 'summary.json').read_text())
    (summary,) = [each for each in records if (each['group'], each['images']) == ('all', 'pristine')]
    assert float(said[1]) / 100 == pytest.approx(summary['false_alarm'], abs=1e-4)


def test_a_test_refuses_what_the_calibration_does_not_cover(
    root: Path, calibrate: Callable, trained: tuple[Path, Path], pristine: Path, run_tool: Callable, tmp_path: Path
) -> None:
    assert calibrate(pristine, '0.1') == 0
    options = ('--calibration', tmp_path / 'calibration.json', '--work-dir', tmp_path / 'work')
    test = root / 'tools' / 'test.py'
    with pytest.raises(SystemExit, match='--tta averages'):
        run_tool(test, *trained, *options, '--tta')
    with pytest.raises(SystemExit, match='is of other config'):
        run_tool(test, *trained, *options, '--cfg-options', 'model.decode_head.clusterer.type=KMeansClusterer')
    hooked = tmp_path / 'hooked.py'
    hook = "custom_hooks = [dict(type='ClusteringHook', clusterer=dict(type='KMeansClusterer'))]"
    hooked.write_text(f'{trained[0].read_text()}\n{hook}\n')
    with pytest.raises(SystemExit, match='a ClusteringHook with a clusterer'):
        run_tool(test, hooked, trained[1], *options)
