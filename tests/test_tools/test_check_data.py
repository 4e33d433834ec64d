"""tools/check_data.py on made sets with every defect once."""

import json
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from focal_mmseg.datasets import ForgeryDataset
from focal_mmseg.datasets.checking import Entry, Finding
from focal_mmseg.datasets.checking.duplicates import find_duplicates
from focal_mmseg.datasets.converters import SETS, convert
from focal_mmseg.datasets.index import IndexRow, read_index, write_index
from focal_mmseg.datasets.synthesis import load_packaged, write_forgeries

PROBLEMS = {
    'truncated': 'unreadable picture',
    'bomb': 'unreadable picture',
    'no-mask': 'missing mask',
    'text-mask': 'unreadable mask',
    'small-mask': 'sizes differ',
    'blank': 'empty mask',
    'full': 'full mask',
    'inverse': 'polarity suspect',
}


def declared_giant() -> bytes:
    """A PNG that says it has 60,000 x 60,000 pixels, and has none."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))

    header = chunk(b'IHDR', struct.pack('>IIBBBBB', 60000, 60000, 8, 2, 0, 0, 0))
    return b'\x89PNG\r\n\x1a\n' + header + chunk(b'IDAT', zlib.compress(b'')) + chunk(b'IEND', b'')


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """Three forgeries and a pristine picture, with an index."""
    photographs = {name: load_packaged(name) for name in ('chelsea', 'coffee', 'rocket')}
    folder = write_forgeries(photographs, {'splice': 3, 'pristine': 1}, tmp_path / 'good', size=96)
    rows = []
    for image in sorted((folder / 'images').rglob('*.jpg')):
        name = image.relative_to(folder / 'images')
        rows.append(IndexRow(name.as_posix(), name.with_suffix('.png').as_posix(), name.parts[0], 'good'))
    write_index(folder / 'index.tsv', rows)
    return folder


@pytest.fixture
def bad(good: Path, tmp_path: Path) -> Path:
    """The same, and a picture with each defect."""
    rows = read_index(good / 'index.tsv')
    rng = np.random.default_rng(0)
    masks = {name: np.zeros((96, 96), np.uint8) for name in PROBLEMS}
    masks['full'][:] = 255
    masks['inverse'][:] = 255
    masks['inverse'][30:50, 30:50] = 0
    masks['small-mask'] = np.full((48, 48), 255, np.uint8)
    masks['small-mask'][:30] = 0
    for name, mask in masks.items():
        noise = cv2.resize(rng.integers(0, 256, (6, 6, 3), np.uint8), (96, 96), interpolation=cv2.INTER_CUBIC)
        image = good / 'images' / f'{name}.jpg'
        cv2.imwrite(str(image), noise)
        if name not in ('blank', 'full', 'inverse', 'small-mask'):
            mask[10:40, 10:40] = 255
        cv2.imwrite(str(good / 'masks' / f'{name}.png'), mask)
        rows.append(IndexRow(image.name, f'{name}.png', 'splice', 'bad'))
    whole = (good / 'images' / 'truncated.jpg').read_bytes()
    (good / 'images' / 'truncated.jpg').write_bytes(whole[: len(whole) // 2])
    (good / 'images' / 'bomb.jpg').write_bytes(declared_giant())
    (good / 'masks' / 'no-mask.png').unlink()
    (good / 'masks' / 'text-mask.png').write_text('no picture')
    write_index(good / 'index.tsv', rows)
    return good


@pytest.fixture
def check(root: Path, run_tool: Callable, tmp_path: Path) -> Callable[..., tuple[int, dict]]:
    """Runs the tool; its exit code and what it wrote."""

    def run(*arguments: object, workers: int = 1) -> tuple[int, dict]:
        out = tmp_path / 'out'
        code = 0
        try:
            run_tool(root / 'tools' / 'check_data.py', *arguments, '--out', out, '--workers', str(workers))
        except SystemExit as stop:
            code = stop.code
        return code, json.loads((out / 'findings.json').read_text())

    return run


def test_a_good_set_passes(check: Callable, good: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    code, found = check(good, '--strict')
    assert code == 0 and not any(each['problems'] for each in found['pictures'])
    assert '| test | good |   4    |   3    |    1     |' in capsys.readouterr().out
    sheet = cv2.imread(str(tmp_path / 'out' / 'contact_sheet.png'))
    assert sheet.shape == (198, 1440, 3)


@pytest.mark.parametrize('workers', [1, 2])
def test_every_defect_is_found_and_named_and_nothing_else_is(check: Callable, bad: Path, workers: int) -> None:
    code, found = check(bad, workers=workers)
    assert code == 1
    names = {Path(each['image']).stem: [kind for kind, _ in each['problems']] for each in found['pictures']}
    assert {name: kinds for name, kinds in names.items() if kinds} == {
        name: [problem] for name, problem in PROBLEMS.items()
    }


def test_warnings_alone_are_no_failure_unless_asked(check: Callable, bad: Path) -> None:
    kept = [row for row in read_index(bad / 'index.tsv') if row.image not in [f'{n}.jpg' for n in list(PROBLEMS)[:5]]]
    write_index(bad / 'index.tsv', kept)
    assert check(bad)[0] == 0
    assert check(bad, '--strict')[0] == 1


def test_a_training_picture_in_the_test_is_found_though_resized_and_compressed(
    check: Callable, good: Path, tmp_path: Path
) -> None:
    test = tmp_path / 'test'
    (test / 'images').mkdir(parents=True)
    (test / 'masks').mkdir()
    source = good / 'images' / 'splice' / '00001.jpg'
    copy = cv2.resize(cv2.imread(str(source)), (84, 84), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(test / 'images' / 'x.jpg'), copy, [cv2.IMWRITE_JPEG_QUALITY, 70])
    cv2.imwrite(str(test / 'masks' / 'x.png'), np.eye(84, dtype=np.uint8) * 255)
    code, found = check('--train', good, '--test', test)
    assert code == 1 and found['leaks'] == [
        dict(first=str(source), second=str(test / 'images' / 'x.jpg'), identical=False)
    ]
    assert check('--train', good, '--test', test, '--no-duplicates')[0] == 0


def test_a_forgery_beside_its_original_is_no_duplicate(check: Callable, good: Path) -> None:
    original = good / 'images' / 'pristine' / '00000.jpg'
    image = cv2.imread(str(original))
    image[40:48, 40:48] = 255 - image[40:48, 40:48]
    mask = np.zeros((96, 96), np.uint8)
    mask[40:48, 40:48] = 255
    cv2.imwrite(str(good / 'images' / 'splice' / 'forged.jpg'), image)
    cv2.imwrite(str(good / 'masks' / 'splice' / 'forged.png'), mask)
    rows = [*read_index(good / 'index.tsv'), IndexRow('splice/forged.jpg', 'splice/forged.png', 'splice', 'good')]
    write_index(good / 'index.tsv', rows)
    code, found = check(good, '--strict')
    assert code == 0 and len(found['originals']) == 1 and not found['twice']


def test_a_config_is_checked_in_all_its_parts(
    check: Callable, good: Path, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    config = tmp_path / 'mine.py'
    one = f"type='ForgeryDataset', data_root={str(good)!r}, data_prefix=dict(img_path='images', seg_map_path='masks')"
    config.write_text(
        f'_base_ = {str(root / "configs" / "_base_" / "datasets" / "forgery.py")!r}\n'
        f"train_dataloader = dict(dataset=dict(_delete_=True, type='RepeatDataset', times=3, dataset=dict({one})))\n"
        "test_dataloader = dict(dataset=dict(_delete_=True, type='ConcatDataset', datasets=[\n"
        f"    dict({one}, dataset_name='again'), dict(type='ForgeryDataset', data_root='/nowhere')]))\n"
        'val_dataloader = None\n'
    )
    code, found = check(config)
    assert code == 1
    assert [(each['part'], each['dataset']) for each in found['pictures'][::4]] == [
        ('train', 'good'),
        ('test', 'again'),
    ]
    assert '\nin training and in test: 4, 4 of them identical files\n' in capsys.readouterr().out
    assert len(found['leaks']) == 4 and all(each['identical'] for each in found['leaks'])
    assert len(found['not_listed']) == 1 and '/nowhere' in found['not_listed'][0]


def test_numbers_are_held_against_the_release(
    check: Callable, good: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_index(good / 'index.tsv', [replace(row, dataset='misd') for row in read_index(good / 'index.tsv')])
    assert check(good)[0] == 0
    assert 'count differs: test misd has 3 forged images, not 227 or 300' in capsys.readouterr().out
    code, found = check(good, '--strict')
    (count,) = found['counts']
    assert code == 1 and (count['dataset'], count['forged'], count['pristine']) == ('misd', 3, 1)
    assert count['differs'] and count['accepted'] == '227 or 300'
    monkeypatch.setitem(SETS, 'misd', replace(SETS['misd'], accepted=range(2, 4)))
    code, found = check(good, '--strict')
    assert code == 0 and found['counts'][0]['accepted'] == '2 to 3'


def test_kinds_that_their_masks_contradict_are_warned_of(check: Callable, good: Path) -> None:
    rows = {row.image: row for row in read_index(good / 'index.tsv')}
    changed = {'splice/00000.jpg': 'pristine', 'pristine/00000.jpg': ''}
    write_index(good / 'index.tsv', [replace(row, kind=changed.get(name, row.kind)) for name, row in rows.items()])
    code, found = check(good)
    problems = {each['image'][-18:]: [kind for kind, _ in each['problems']] for each in found['pictures']}
    assert code == 0 and [kinds for kinds in problems.values() if kinds] == [
        ['empty mask'],
        ['pristine picture with a forged mask'],
    ]
    (good / 'index.tsv').unlink()
    # In folders without kinds a pristine picture has an empty mask.
    for part in ('images', 'masks'):
        (path,) = (good / part / 'pristine').iterdir()
        path.rename(good / part / path.name)
    assert check(good, '--strict')[0] == 0


def test_clean_photographs_for_a_training_need_no_masks(
    check: Callable, good: Path, root: Path, tmp_path: Path
) -> None:
    config = tmp_path / 'online.py'
    config.write_text(
        f'_base_ = {str(root / "configs" / "focal_hrnet_online.py")!r}\n'
        f'photographs = {str(good / "images")!r}\n'
        'train_dataloader = dict(dataset=dict(data_prefix=dict(img_path=photographs)))\n'
        'val_dataloader = None\ntest_dataloader = None\n'
    )
    code, found = check(config)
    problems = [each['problems'] for each in found['pictures']]
    assert code == 0 and [len(each) for each in problems] == [0, 1, 1, 1]
    assert problems[1] == [['empty mask', 'a picture of the kind splice has no mask and counts as pristine']]


def test_an_imported_list_is_checked(
    check: Callable, good: Path, root: Path, run_tool: Callable, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    rows = [
        [f'{good}/images/{row.image}', 'Negative' if row.kind == 'pristine' else f'{good}/masks/{row.mask}']
        for row in read_index(good / 'index.tsv')
    ]
    (tmp_path / 'list.json').write_text(json.dumps(rows))
    run_tool(root / 'tools' / 'convert_list.py', tmp_path / 'list.json', tmp_path / 'list.tsv')
    assert f'tools/check_data.py {tmp_path / "list.tsv"} --root {good}' in capsys.readouterr().out
    assert check(tmp_path / 'list.tsv')[0] == 1
    assert 'does not exist: of an imported list give --root' in capsys.readouterr().out
    code, found = check(tmp_path / 'list.tsv', '--root', good, '--strict')
    assert code == 0 and [each['kind'] for each in found['pictures']] == ['pristine', '', '', '']
    dataset = ForgeryDataset(
        data_root=str(good),
        ann_file=str(tmp_path / 'list.tsv'),
        data_prefix=dict(img_path='', seg_map_path=''),
        pristine_without_mask=True,
    )
    read = [dataset.get_data_info(number) for number in range(len(dataset))]
    assert [(each['img_path'], each['seg_map_path']) for each in read] == [
        (each['image'], each['mask']) for each in found['pictures']
    ]


def test_a_list_of_another_project_is_no_index(check: Callable, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / 'list.txt').write_text('a.jpg b.png 1\n')
    assert check(tmp_path / 'list.txt')[0] == 1
    assert 'is a list of MVSS-Net: make an index of it by tools/convert_list.py' in capsys.readouterr().out


def test_a_search_that_ends_early_is_said() -> None:
    entries = [Entry('train', 'x', '', f'{number}.jpg', None) for number in range(4)]
    findings = [Finding(phash=7, content='same') for _ in entries]
    found = find_duplicates(entries, findings, limit=3)
    assert found.cut_short == ['train'] and len(found.twice) == 3
    assert not find_duplicates(entries, findings).cut_short and not find_duplicates([], []).twice


@pytest.mark.parametrize('source', ['nowhere', 'README.md', 'focal_mmseg'])
def test_what_is_no_source_is_named(check: Callable, root: Path, source: str, capsys: pytest.CaptureFixture) -> None:
    code, _ = check(root / source)
    assert code == 1 and f'not checked: {root / source}' in capsys.readouterr().out


REAL = Path(__file__).parents[3] / 'shared' / 'data' / 'forged'


@pytest.mark.skipif(not REAL.is_dir(), reason='the development photographs are not beside the repository')
def test_real_forgeries_pass(check: Callable, tmp_path: Path) -> None:
    (tmp_path / 'real').mkdir()
    for part in ('images', 'masks'):
        (tmp_path / 'real' / part).symlink_to(REAL)
    header, *lines = (REAL / 'index.tsv').read_text().splitlines()
    names = header.split('\t')
    rows = [dict(zip(names, line.split('\t'), strict=False)) for line in lines]
    write_index(
        tmp_path / 'real' / 'index.tsv',
        [IndexRow(row['image'], row['mask'], row['kind'], row['source']) for row in rows],
    )
    code, found = check(tmp_path / 'real')
    assert code == 0 and len(found['pictures']) == len(rows) >= 50
    assert not any(each['problems'] for each in found['pictures'])


@pytest.mark.skipif(not REAL.is_dir(), reason='the development photographs are not beside the repository')
@pytest.mark.parametrize('name', ['casia1', 'casia2'])
def test_converted_real_forgeries_pass_but_for_their_number(check: Callable, tmp_path: Path, name: str) -> None:
    for image, mask in _pairs(name):
        for file, target in ((image, f'Tp/{image.name}'), (mask, f'Gt/{image.stem}_gt.png')):
            (tmp_path / 'release' / target).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / 'release' / target).symlink_to(file)
    convert(SETS[name], tmp_path / 'release', tmp_path / 'converted')
    code, found = check(tmp_path / 'converted', '--strict')
    assert code == 1 and [each['differs'] for each in found['counts']] == [True]
    assert not any(each['problems'] for each in found['pictures']) and not found['twice']
    write_index(
        tmp_path / 'converted' / 'index.tsv',
        [replace(row, dataset='some') for row in read_index(tmp_path / 'converted' / 'index.tsv')],
    )
    assert check(tmp_path / 'converted', '--strict')[0] == 0


def _pairs(name: str) -> list[tuple[Path, Path]]:
    masks = {path.stem.removesuffix('_gt'): path for path in (REAL / name / 'masks').iterdir()}
    return [(image, masks[image.stem]) for image in sorted((REAL / name / 'images').iterdir())]


def test_images_of_any_name_are_checked_and_other_files_counted(
    check: Callable, good: Path, capsys: pytest.CaptureFixture
) -> None:
    (good / 'index.tsv').unlink()
    image = next((good / 'images' / 'splice').glob('*.jpg'))
    Image.open(image).save(image.with_suffix('.avif'), quality=95)
    image.rename(image.with_name('first'))
    mask = good / 'masks' / 'splice' / f'{image.stem}.png'
    (mask.with_name('first.PNG')).write_bytes(mask.read_bytes())
    (image.parent / 'a.psd').write_bytes(b'8BPS' + bytes(40))
    code, found = check(good, '--no-duplicates')
    said = '1 PSD, which is not read: save it as PNG'
    assert code == 0 and len(found['pictures']) == 5
    assert said in capsys.readouterr().out and said in found['notes'][0]


def test_an_index_may_be_a_table(check: Callable, good: Path) -> None:
    rows = read_index(good / 'index.tsv')
    (good / 'index.tsv').unlink()
    lines = ['file_name,mask,kind', *(f'{row.image},{row.mask},{row.kind}' for row in (*rows, rows[0]))]
    (good / 'metadata.csv').write_text('\n'.join(lines))
    code, found = check(good / 'metadata.csv')
    assert code == 0 and len(found['pictures']) == len(rows)
    assert 'line 6 repeats line 2' in found['notes'][0]
