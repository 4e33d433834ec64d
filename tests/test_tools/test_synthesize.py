"""Forging out of a folder of one's own photographs."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from focal_mmseg.datasets import ForgeryDataset
from focal_mmseg.datasets.synthesis import load_packaged


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    for folder, name in (('one', 'chelsea'), ('two', 'coffee')):
        (tmp_path / 'photographs' / folder).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / 'photographs' / folder / 'same name.png'), load_packaged(name)[..., ::-1])
    return tmp_path / 'photographs'


def test_the_images_are_read_by_the_dataset(root: Path, run_tool: Callable, photographs: Path, tmp_path: Path) -> None:
    out = tmp_path / 'forged'
    counts = ('--splice', '2', '--copy-move', '1', '--pristine', '1', '--size', '96')
    run_tool(root / 'tools' / 'synthesize.py', '--images', photographs, '--out', out, *counts)
    dataset = ForgeryDataset(data_root=str(out), data_prefix=dict(img_path='images', seg_map_path='masks'))
    assert [info['kind'] for info in dataset] == ['copy-move', 'pristine', 'splice', 'splice']
    manifest = (out / 'manifest.csv').read_text()
    assert 'one/same name.png' in manifest
    assert 'two/same name.png' in manifest
    with pytest.raises(FileExistsError, match='holds images already, made with another seed: give another folder'):
        run_tool(root / 'tools' / 'synthesize.py', '--images', photographs, '--out', out, *counts, '--seed', '1')


def test_a_folder_without_photographs_is_named(root: Path, run_tool: Callable, tmp_path: Path) -> None:
    (tmp_path / 'empty').mkdir()
    with pytest.raises(SystemExit, match=r'synthesize\.py: .*empty holds no photograph'):
        run_tool(
            root / 'tools' / 'synthesize.py', '--images', tmp_path / 'empty', '--num', '1', '--out', tmp_path / 'out'
        )


def test_a_bad_photograph_is_left_out_and_named(
    root: Path, run_tool: Callable, photographs: Path, tmp_path: Path
) -> None:
    (photographs / 'cut.jpg').write_bytes(b'no image')
    (photographs / '.hidden.jpg').write_bytes(b'no image')
    with pytest.raises(SystemExit) as stop:
        counts = ('--splice', '3', '--copy-move', '3', '--size', '64')
        run_tool(root / 'tools' / 'synthesize.py', '--images', photographs, '--out', tmp_path / 'forged', *counts)
    assert 'cut.jpg' in stop.value.code and 'hidden' not in stop.value.code
    assert len(list((tmp_path / 'forged' / 'images').rglob('*.jpg'))) == 6
    with pytest.raises(SystemExit, match=r'cut\.jpg'):
        run_tool(root / 'tools' / 'synthesize.py', '--images', photographs, '--out', tmp_path / 'forged', *counts)


@pytest.mark.parametrize(
    'wrong',
    [
        ('--splice', '-1'),
        ('--num', '1', '--size', '0'),
        ('--num', '1', '--most', '0'),
        ('--copy-move', 'many'),
        ('--num', '1', '--size', '31'),
        ('--num', '1', '--splice', '1'),
        ('--seed', '1'),
        ('--num', '1', '--workers', '0'),
        ('--num', '1', '--recipe', 'demi'),
        ('--removal', '-1'),
    ],
)
def test_counts_and_sizes_out_of_range_are_refused(
    root: Path, run_tool: Callable, photographs: Path, tmp_path: Path, wrong: tuple[str, ...]
) -> None:
    with pytest.raises((SystemExit, ValueError)) as stop:
        run_tool(root / 'tools' / 'synthesize.py', '--images', photographs, '--out', tmp_path / 'forged', *wrong)
    assert stop.type is ValueError or stop.value.code == 2
    assert not (tmp_path / 'forged').exists()


def test_a_recipe_of_ones_own_with_masks_of_objects_and_two_workers(
    root: Path, run_tool: Callable, photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    recipe = tmp_path / 'mine.yaml'
    recipe.write_text('base: psccnet\nsize: 96\nkinds: {splice: 1, removal: 1}\nsource_quality: [50, 60]\n')
    mask = np.zeros(load_packaged('chelsea').shape[:2], np.uint8)
    mask[50:180, 60:200] = 7
    (tmp_path / 'objects' / 'one').mkdir(parents=True)
    cv2.imwrite(str(tmp_path / 'objects' / 'one' / 'same name.png'), mask)
    arguments = ('--images', photographs, '--objects', tmp_path / 'objects', '--recipe', recipe, '--num', '8')
    for workers in ('1', '2'):
        run_tool(root / 'tools' / 'synthesize.py', *arguments, '--out', tmp_path / workers, '--workers', workers)
    assert '1 of 2 photographs have masks of objects' in capsys.readouterr().out
    files = [
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob('*') if path.is_file()}
        for folder in (tmp_path / '1', tmp_path / '2')
    ]
    assert files[0] == files[1]
    assert len(files[0]) == 18


def test_photographs_of_any_name_are_taken_and_other_files_counted(
    root: Path, run_tool: Callable, photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    (photographs / 'one' / 'same name.png').unlink()
    Image.fromarray(load_packaged('chelsea')).save(photographs / 'noending', 'GIF')
    (photographs / 'a.psd').write_bytes(b'8BPS' + bytes(40))
    counts = ('--splice', '2', '--size', '64', '--workers', '1')
    run_tool(root / 'tools' / 'synthesize.py', '--images', photographs, '--out', tmp_path / 'forged', *counts)
    said = capsys.readouterr().out
    assert f'left out of {photographs}: 1 PSD, which is not read: save it as PNG' in said
    assert '2 images out of 2 photographs' in said
    assert 'noending' in (tmp_path / 'forged' / 'manifest.csv').read_text()
