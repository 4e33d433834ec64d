"""The list file."""

import csv
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from focal_mmseg.datasets.index import IndexRow, drop_repeats, name_below, read_index, write_index
from focal_mmseg.datasets.list_tables import NO_MASK

NAMES = st.text(st.characters(exclude_categories=('C', 'Z')), min_size=1).filter(
    lambda name: not name.startswith(('#', '/', '\ufeff')) and '..' not in name
)


@given(st.lists(st.builds(IndexRow, NAMES, NAMES | st.just(''), NAMES | st.just(''), NAMES | st.just(''))))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, rows: list[IndexRow]) -> None:
    path = tmp_path_factory.mktemp('index') / 'index.tsv'
    write_index(path, rows)
    assert read_index(path) == rows


@pytest.mark.parametrize(
    'row', [IndexRow('a\tb'), IndexRow('a', 'b\nc'), IndexRow(' a'), IndexRow('a', kind='x\ty'), IndexRow('a', '../b')]
)
def test_names_that_would_be_read_otherwise_are_refused(tmp_path: Path, row: IndexRow) -> None:
    with pytest.raises(ValueError, match='cannot be written'):
        write_index(tmp_path / 'index.tsv', [row])
    assert not (tmp_path / 'index.tsv').exists()


def test_a_name_that_is_not_utf8_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"IndexRow\(image='caf\\udce9.png'.*is not UTF-8, rename the file"):
        write_index(tmp_path / 'index.tsv', [IndexRow(os.fsdecode(b'caf\xe9.png'))])
    assert not (tmp_path / 'index.tsv').exists()


LINES = (
    b'a.jpg\ta.png\n',
    b'../',
    b'/',
    b'\0',
    b'\t',
    b'\r',
    b'\xff\xfe',
    b'\xef\xbb\xbf',
    b'#',
    b'\xe2\x80\xa8',
    b'..',
)


@given(st.lists(st.sampled_from(LINES) | st.binary(max_size=20), max_size=12).map(b''.join))
def test_of_any_bytes_come_rows_or_an_error_that_names_the_file(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp('index') / 'index.tsv'
    path.write_bytes(content)
    try:
        rows = read_index(path)
    except ValueError as error:
        assert str(path) in str(error)
    else:
        assert not any('..' in Path(row.image).parts or Path(row.image).is_absolute() for row in rows)
        assert all(row.image for row in rows)


def test_fields_at_the_end_may_be_left_out(tmp_path: Path) -> None:
    (tmp_path / 'index.tsv').write_text(
        '# a comment\n\na.jpg\nb.jpg\tb.png\nc.jpg\t\tpristine\nd.jpg\td.png\tx\tcasia1\n'
    )
    assert read_index(tmp_path / 'index.tsv') == [
        IndexRow('a.jpg'),
        IndexRow('b.jpg', 'b.png'),
        IndexRow('c.jpg', '', 'pristine'),
        IndexRow('d.jpg', 'd.png', 'x', 'casia1'),
    ]


@pytest.mark.parametrize('line', ['a\tb\tc\td\te', '\tb', '../a.jpg', 'a.jpg\t/etc/passwd', 'a/../../b.jpg'])
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / 'index.tsv').write_text(f'good.jpg\n{line}\n')
    with pytest.raises(ValueError, match=r'index\.tsv, line 2'):
        read_index(tmp_path / 'index.tsv')


# --- names and lines that were misread


def written(tmp_path: Path, content: str, name: str = 'index.tsv') -> Path:
    (tmp_path / name).write_text(content, encoding='utf-8')
    return tmp_path / name


@pytest.mark.parametrize('name', ['#1.jpg', '#1', './a', './#a'])
def test_names_that_look_like_something_else_go_there_and_back(tmp_path: Path, name: str) -> None:
    rows = [IndexRow(name, '#1.png'), IndexRow(f'b/{name}')]
    write_index(tmp_path / 'index.tsv', rows)
    assert read_index(tmp_path / 'index.tsv') == rows


def test_a_name_that_begins_with_a_hash_is_no_comment(tmp_path: Path) -> None:
    path = written(tmp_path, '#1.jpg\t#1.png\n# #2.jpg\n#\n##\n#\ta tab\n./#3.jpg\n./a.jpg\n')
    assert read_index(path) == [IndexRow('#1.jpg', '#1.png'), IndexRow('#3.jpg'), IndexRow('a.jpg')]
    assert [row.line for row in read_index(path)] == [1, 6, 7]


@pytest.mark.parametrize('name', ['D:\\sets\\a.jpg', '\\\\server\\a.jpg', '..\\a.jpg', 'b\\..\\..\\a.jpg'])
def test_windows_paths_that_lead_out_are_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r'line 2: .* must lie below'):
        read_index(written(tmp_path, f'a.jpg\n{name}\ta.png\n'))


def test_windows_paths_are_taken_with_slashes_unless_there_is_such_a_file(tmp_path: Path) -> None:
    (tmp_path / 'b').mkdir()
    (tmp_path / 'b' / 'a.jpg').touch()
    (tmp_path / 'b\\c.jpg').touch()
    assert [name_below(tmp_path, name) for name in ('b\\a.jpg', 'b\\c.jpg', 'b/a.jpg', 'gone\\a.jpg')] == [
        'b/a.jpg',
        'b\\c.jpg',
        'b/a.jpg',
        'gone/a.jpg',
    ]


def test_an_image_that_is_listed_twice_counts_once(tmp_path: Path) -> None:
    path = written(tmp_path, 'a.jpg\ta.png\nb.jpg\na.jpg\ta.png\n./b.jpg\nb.jpg\t\t\tother\n')
    with pytest.warns(UserWarning, match=r'line 3 repeats line 1, a\.jpg; line 4 repeats line 2, b\.jpg: each image'):
        rows = drop_repeats(path, read_index(path))
    assert rows == [IndexRow('a.jpg', 'a.png'), IndexRow('b.jpg'), IndexRow('b.jpg', dataset='other')]


@pytest.mark.parametrize('line', ['a.jpg\tb.png', 'a.jpg', 'a.jpg\ta.png\tsplice'])
def test_two_lines_that_contradict_each_other_are_named(tmp_path: Path, line: str) -> None:
    path = written(tmp_path, f'a.jpg\ta.png\n\n{line}\n')
    with pytest.raises(
        ValueError, match=r'index\.tsv, line 3: a\.jpg is named in line 1 too, with another mask or kind'
    ):
        drop_repeats(path, read_index(path))


# --- tables

TABLES = {
    'metadata.csv': 'file_name,mask,kind\na.jpg,a.png,splice\n"b, c.jpg",,pristine\n',
    'pairs.csv': 'mask;image;Kind\na.png;a.jpg;splice\nNone;b, c.jpg;pristine\n',
    'pairs.txt': 'image\tmask\tkind\na.jpg\ta.png\tsplice\nb, c.jpg\t\tpristine\n',
    'index.tsv': 'text,file_name,mask_file_name,type\nhello,a.jpg,a.png,splice\n,"b, c.jpg",nan,pristine\n',
    'bare.csv': 'a.jpg,a.png,splice\n"b, c.jpg",,pristine\n',
    'metadata.jsonl': '{"file_name": "a.jpg", "mask": "a.png", "kind": "splice", "width": 3}\n\n'
    '{"file_name": "b, c.jpg", "mask": null, "kind": "pristine"}\n',
    'noname': '{"image": "a.jpg", "mask": "a.png", "kind": "splice"}\n{"image": "b, c.jpg", "kind": "pristine"}\n',
}


@pytest.mark.parametrize('newline', ['\n', '\r\n'], ids=['unix', 'windows'])
@pytest.mark.parametrize('name', TABLES)
def test_tables_are_read_by_their_headings(tmp_path: Path, name: str, newline: str) -> None:
    (tmp_path / name).write_bytes(b'\xef\xbb\xbf' + TABLES[name].replace('\n', newline).encode())
    assert read_index(tmp_path / name) == [IndexRow('a.jpg', 'a.png', 'splice'), IndexRow('b, c.jpg', '', 'pristine')]


@pytest.mark.parametrize(
    ('name', 'content', 'says'),
    [
        ('a.csv', 'image,mask\na.jpg,a.png,splice\n', r'a\.csv, line 2: it has 3 fields, more than columns'),
        ('a.csv', 'image,mask\n\n,a.png\n', r'a\.csv, line 3: it names no image'),
        ('a.csv', 'image,msk\na.jpg,a.png\n', r"a\.csv, line 2: the column 'msk' names files.* call it mask"),
        ('a.csv', 'image,mask\n../a.jpg,a.png\n', r'a\.csv, line 2: .*must lie below'),
        ('a.jsonl', '{"image": "a.jpg"}\n{"image": 3}\n', r'a\.jsonl, line 2: the image must be a text, got 3'),
        ('a.jsonl', '{"image": "a.jpg"}\n{"image"\n', r'a\.jsonl, line 2: no JSON'),
        ('a.jsonl', '["a.jpg"]\n', r'a\.jsonl, line 1: expected an object'),
        ('a.jsonl', '{"id": "a"}\n', r'a\.jsonl, line 1: it names no image; known columns are image'),
        ('a.json', '[["a.jpg", "a.png"]]', r'a\.json is a list of another project: .*tools/convert_list\.py'),
    ],
)
def test_what_is_wrong_in_a_table_is_named(tmp_path: Path, name: str, content: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_index(written(tmp_path, content, name))


CELLS = st.text(st.characters(exclude_categories=('C', 'Z'), exclude_characters='\\'), min_size=1).filter(
    lambda name: not name.startswith(('/', './')) and '..' not in name and name.lower() not in NO_MASK
)


@given(st.lists(st.tuples(CELLS, CELLS | st.just(''), CELLS | st.just(''), CELLS | st.just(''))))
@pytest.mark.parametrize('form', ['csv', 'jsonl'])
def test_what_others_write_is_read(tmp_path_factory: pytest.TempPathFactory, form: str, cells: list) -> None:
    path = tmp_path_factory.mktemp('table') / f'a.{form}'
    with path.open('w', encoding='utf-8', newline='') as file:
        if form == 'csv':
            csv.writer(file).writerows([('image', 'mask', 'kind', 'set'), *cells])
        else:
            for each in cells:
                file.write(json.dumps(dict(zip(('image', 'mask', 'kind', 'set'), each, strict=True))) + '\n')
    assert read_index(path) == [IndexRow(*each) for each in cells]


def test_an_index_is_no_table_whatever_its_names(tmp_path: Path) -> None:
    rows = [IndexRow('image', 'mask'), IndexRow('path'), IndexRow('{"image": 1}')]
    write_index(tmp_path / 'index.tsv', rows)
    assert read_index(tmp_path / 'index.tsv') == rows
