"""Lists of other projects."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from focal_mmseg.datasets import ForgeryDataset
from focal_mmseg.datasets.exchange import READERS, WRITERS, Pair, export_list, import_list
from focal_mmseg.datasets.index import IndexRow, read_index, write_index

WORDS = st.text(st.characters(categories=('L', 'N'), max_codepoint=0x2FFF), min_size=1, max_size=8)
PAIRS = st.lists(st.builds(Pair, WORDS, WORDS | st.just('')))


@pytest.mark.parametrize('ending', READERS)
@given(pairs=PAIRS)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, ending: str, pairs: list[Pair]) -> None:
    path = tmp_path_factory.mktemp('lists') / f'list{ending}'
    pairs = [pair for pair in pairs if pair.mask not in ('None', 'Negative')]
    WRITERS[ending](path, pairs)
    assert READERS[ending](path) == pairs


@pytest.mark.parametrize('ending', READERS)
def test_our_index_goes_out_and_comes_back(tmp_path: Path, ending: str) -> None:
    rows = [
        IndexRow('splice/a.jpg', 'splice/a.png', 'splice', 'x'),
        IndexRow('b.jpg', 'b.png', 'pristine'),
        IndexRow('c.jpg'),
    ]
    write_index(tmp_path / 'index.tsv', rows)
    export_list(tmp_path / 'index.tsv', tmp_path / f'list{ending}', '/data/x/images', '/data/x/masks')
    root = import_list(tmp_path / f'list{ending}', tmp_path / 'back.tsv')
    assert root == '/data/x'
    assert read_index(tmp_path / 'back.tsv') == [
        IndexRow('images/splice/a.jpg', 'masks/splice/a.png'),
        IndexRow('images/b.jpg', kind='pristine'),
        IndexRow('images/c.jpg', kind='pristine'),
    ]


def test_forgery_dataset_reads_an_imported_list(tmp_path: Path) -> None:
    for name in ('tp/a.png', 'gt/a.png', 'au/b.png'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / name), np.zeros((4, 5, 3), np.uint8))
    rows = [[str(tmp_path / 'tp/a.png'), str(tmp_path / 'gt/a.png')], [str(tmp_path / 'au/b.png'), 'Negative']]
    (tmp_path / 'list.json').write_text(json.dumps(rows))
    root = import_list(tmp_path / 'list.json', tmp_path / 'index.tsv')
    dataset = ForgeryDataset(
        data_root=root,
        ann_file=str(tmp_path / 'index.tsv'),
        data_prefix=dict(img_path='', seg_map_path=''),
        pristine_without_mask=True,
    )
    found = [dataset.get_data_info(number) for number in range(2)]
    assert [info['seg_map_path'] for info in found] == [str(tmp_path / 'gt/a.png'), None]


def test_paths_of_windows_and_another_root(tmp_path: Path) -> None:
    (tmp_path / 'list.json').write_text(json.dumps([['D:\\sets\\x\\tp\\a.jpg', 'D:\\sets\\x\\gt\\a.png']]))
    assert import_list(tmp_path / 'list.json', tmp_path / 'i.tsv', 'D:\\sets').replace('\\', '/').endswith('sets')
    assert read_index(tmp_path / 'i.tsv') == [IndexRow('x/tp/a.jpg', 'x/gt/a.png')]


@pytest.mark.parametrize(
    ('name', 'content', 'says'),
    [
        ('a.json', '{', 'is no JSON'),
        ('a.json', '{"a": 1}', 'expected a list of images'),
        ('a.json', '[["a.jpg"]]', r'entry 1: expected an image and a mask, got \[.a\.jpg.\]'),
        ('a.json', '[["", "b"]]', 'entry 1'),
        ('a.npy', 'no array', 'is no array of texts'),
        ('a.txt', 'a.jpg b.png', r'a\.txt, line 1: expected image'),
        ('a.txt', 'a.jpg None 1', 'line 1'),
        ('a.csv', '', r'must end in \.json, \.npy, \.txt'),
    ],
)
def test_what_is_no_list_is_named(tmp_path: Path, name: str, content: str, says: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=says):
        import_list(tmp_path / name, tmp_path / 'out.tsv')
    assert not (tmp_path / 'out.tsv').exists()


def test_pickled_objects_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / 'a.npy', np.array([['a', None]], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match='could run code'):
        import_list(tmp_path / 'a.npy', tmp_path / 'out.tsv')
    np.save(tmp_path / 'b.npy', np.zeros((3, 2)))
    with pytest.raises(ValueError, match='is no array of texts'):
        import_list(tmp_path / 'b.npy', tmp_path / 'out.tsv')


@pytest.mark.parametrize('name', ['/other/a.jpg', '/data/../a.jpg'])
def test_paths_out_of_the_root_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / 'a.json').write_text(json.dumps([[name, 'Negative']]))
    with pytest.raises(ValueError, match="is not below '/data'"):
        import_list(tmp_path / 'a.json', tmp_path / 'out.tsv', '/data')


def test_a_name_with_a_space_does_not_go_into_a_list_of_words(tmp_path: Path) -> None:
    write_index(tmp_path / 'index.tsv', [IndexRow('a b.jpg')])
    with pytest.raises(ValueError, match=r"a b\.jpg' has a space"):
        export_list(tmp_path / 'index.tsv', tmp_path / 'a.txt', 'images', 'masks')


def test_the_command(root: Path, run_tool: Callable, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    tool = root / 'tools' / 'convert_list.py'
    write_index(tmp_path / 'index.tsv', [IndexRow('a.jpg', 'a.png')])
    run_tool(tool, tmp_path / 'index.tsv', tmp_path / 'a.npy')
    assert np.load(tmp_path / 'a.npy').tolist() == [[f'{tmp_path}/images/a.jpg', f'{tmp_path}/masks/a.png']]
    run_tool(tool, tmp_path / 'a.npy', tmp_path / 'back.tsv')
    assert f"data_root='{tmp_path}'" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        run_tool(tool, tmp_path / 'a.npy', tmp_path / 'b.json')
    assert 'ends in .tsv' in capsys.readouterr().err
    with pytest.raises(SystemExit, match=r'gone\.json'):
        run_tool(tool, tmp_path / 'gone.json', tmp_path / 'b.tsv')


def test_an_image_that_a_list_repeats_counts_once_and_two_masks_are_refused(tmp_path: Path) -> None:
    pairs = [['/x/a.jpg', '/x/a.png'], ['/x/b.jpg', 'Negative'], ['/x/a.jpg', '/x/a.png']]
    (tmp_path / 'a.json').write_text(json.dumps(pairs))
    with pytest.warns(UserWarning, match=r'a\.json: entry 3 repeats entry 1, a\.jpg: each image counts once'):
        import_list(tmp_path / 'a.json', tmp_path / 'out.tsv')
    assert read_index(tmp_path / 'out.tsv') == [IndexRow('a.jpg', 'a.png'), IndexRow('b.jpg', kind='pristine')]
    (tmp_path / 'b.json').write_text(json.dumps([*pairs, ['/x/a.jpg', '/x/other.png']]))
    with pytest.raises(ValueError, match=r'b\.json, entry 4: a\.jpg is named in entry 1 too'):
        import_list(tmp_path / 'b.json', tmp_path / 'again.tsv')
    assert not (tmp_path / 'again.tsv').exists()


def test_a_list_in_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / 'a.txt').write_bytes('ä.jpg None 0'.encode('latin-1'))
    with pytest.raises(ValueError, match=r'a\.txt is not UTF-8: save it as UTF-8'):
        import_list(tmp_path / 'a.txt', tmp_path / 'out.tsv')
