"""The list file."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from focal_mmseg.datasets.index import IndexRow, read_index, write_index

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
