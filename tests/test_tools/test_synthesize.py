"""Forging out of a folder of one's own photographs."""

from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from focal_mmseg.datasets import ForgeryDataset
from focal_mmseg.datasets.synthesis import load_packaged


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    for folder, name in (('one', 'chelsea'), ('two', 'coffee')):
        (tmp_path / 'photographs' / folder).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / 'photographs' / folder / 'same name.png'), load_packaged(name)[..., ::-1])
    return tmp_path / 'photographs'


def test_the_pictures_are_read_by_the_dataset(
    root: Path, run_tool: Callable, photographs: Path, tmp_path: Path
) -> None:
    out = tmp_path / 'forged'
    counts = ('--splice', '2', '--copy-move', '1', '--pristine', '1', '--size', '96')
    run_tool(root / 'tools' / 'synthesize.py', '--images', photographs, '--out', out, *counts)
    dataset = ForgeryDataset(data_root=str(out), data_prefix=dict(img_path='images', seg_map_path='masks'))
    assert [info['kind'] for info in dataset] == ['copy-move', 'pristine', 'splice', 'splice']
    manifest = (out / 'manifest.csv').read_text()
    assert 'one/same name.png' in manifest
    assert 'two/same name.png' in manifest
    with pytest.raises(FileExistsError, match='holds pictures already'):
        run_tool(root / 'tools' / 'synthesize.py', '--images', photographs, '--out', out, *counts)


def test_a_folder_without_photographs_is_named(root: Path, run_tool: Callable, tmp_path: Path) -> None:
    (tmp_path / 'empty').mkdir()
    with pytest.raises(FileNotFoundError, match='empty holds no photograph'):
        run_tool(root / 'tools' / 'synthesize.py', '--images', tmp_path / 'empty', '--out', tmp_path / 'out')


def test_a_bad_photograph_is_left_out_and_named(
    root: Path, run_tool: Callable, photographs: Path, tmp_path: Path
) -> None:
    (photographs / 'cut.jpg').write_bytes(b'no picture')
    (photographs / '.hidden.jpg').write_bytes(b'no picture')
    with pytest.raises(SystemExit) as stop:
        counts = ('--splice', '1', '--copy-move', '1', '--pristine', '0', '--size', '64')
        run_tool(root / 'tools' / 'synthesize.py', '--images', photographs, '--out', tmp_path / 'forged', *counts)
    assert 'cut.jpg' in stop.value.code and 'hidden' not in stop.value.code
    assert len(list((tmp_path / 'forged' / 'images').rglob('*.jpg'))) == 2


@pytest.mark.parametrize(
    'wrong', [('--splice', '-1'), ('--size', '0'), ('--most', '0'), ('--copy-move', 'many'), ('--size', '31')]
)
def test_counts_and_sizes_out_of_range_are_refused(
    root: Path, run_tool: Callable, photographs: Path, tmp_path: Path, wrong: tuple[str, str]
) -> None:
    with pytest.raises((SystemExit, ValueError)) as stop:
        run_tool(root / 'tools' / 'synthesize.py', '--images', photographs, '--out', tmp_path / 'forged', *wrong)
    assert stop.type is ValueError or stop.value.code == 2
    assert not (tmp_path / 'forged').exists()
