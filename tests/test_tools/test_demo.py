"""The demo from end to end, on few images and steps."""

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest


@pytest.mark.slow
def test_the_demo_ends_with_a_table_a_grid_and_its_figures(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    spec = importlib.util.spec_from_file_location('demo', root / 'tools' / 'demo.py')
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)
    assert not set(demo.TRAIN_PHOTOGRAPHS) & set(demo.TEST_PHOTOGRAPHS)
    config = tmp_path / 'focal_hrnet-compact.py'
    config.write_text(
        f"_base_ = '{demo.CONFIG.resolve().as_posix()}'\n"
        'train_cfg = dict(max_iters=2)\n'
        'default_hooks = dict(checkpoint=dict(interval=2))\n'
    )
    monkeypatch.setattr(demo, 'CONFIG', config)
    monkeypatch.setattr(demo, 'TRAIN_COUNTS', {'splice': 4, 'copy-move': 4})
    monkeypatch.setattr(demo, 'TEST_COUNTS', {'splice': 3, 'copy-move': 3, 'pristine': 2})
    monkeypatch.setattr('sys.argv', ['demo.py', '--work-dir', str(tmp_path / 'demo')])
    demo.main()

    output, errors = capfd.readouterr()
    # What a person needs alone: what the stack tells of itself is in the log files.
    for noise in (
        'Hooks will be executed',
        'System environment',
        'OneDL',
        'FileClient',
        ' - INFO - ',
        'Iter(',
        'default_hooks',
    ):
        assert noise not in output + errors
    assert 'Warning' not in errors
    last = output.rstrip().splitlines()[-1]
    assert re.fullmatch(r'demo: F1 0\.\d{3} IoU 0\.\d{3} \(untrained F1 0\.\d{3} IoU 0\.\d{3}\)', last)
    for kind in ('splice', 'copy-move', 'all forged', 'pristine'):
        for result in ('FOCAL', 'untrained', 'all-pristine mask'):
            assert re.search(rf'\| +{kind} +\| +{result} +\|', output)
    assert re.search(r'all forged +\| +all-pristine mask +\| +0\.\d+ +\| +0\.000 +\| +0\.500', output)
    grid = cv2.imread(str(tmp_path / 'demo' / 'grid.png'))
    assert grid.shape[0] > grid.shape[1] > 400


def test_the_demo_leaves_a_users_data_alone(root: Path, tmp_path: Path, run_tool: Callable) -> None:
    mine = tmp_path / 'data' / 'forgery' / 'mine.jpg'
    mine.parent.mkdir(parents=True)
    mine.touch()
    with pytest.raises(SystemExit, match='was not made by this demo'):
        run_tool(root / 'tools' / 'demo.py', '--work-dir', tmp_path)
    assert mine.is_file()
