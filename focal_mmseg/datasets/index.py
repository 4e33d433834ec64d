"""The list of a data set's pictures: one line a picture, its fields separated by tabs."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path

from focal_mmseg.utils import written_whole

HEADING = '# image\tmask\tkind\tset'


@dataclass(frozen=True)
class IndexRow:
    """One picture.

    Attributes:
        image (str): Its file, relative to the folder of pictures.
        mask (str): Its mask's file, relative to the folder of masks; '' for a pristine picture without one.
        kind (str): As ``'splice'``; the metric has a row for each. May be ''.
        dataset (str): The set it belongs to; the metric has a row for each. '' is that of the dataset config.
    """

    image: str
    mask: str = ''
    kind: str = ''
    dataset: str = ''


def read_index(path: str | Path) -> list[IndexRow]:
    """Read a list file. Empty lines and lines that begin with ``#`` count for nothing; last fields may be left out.

    Args:
        path (str | Path): The file.

    Returns:
        list[IndexRow]: In the order of the lines.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not UTF-8, a line has too many fields or no picture, or a name leads out of its folder.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'the list file {path} does not exist: check data_root and ann_file')
    try:
        lines = Path(path).read_text(encoding='utf-8-sig').splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f'the list file {path} is not UTF-8: save it as UTF-8 ({error})') from error
    rows = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith('#'):
            continue
        fields = [field.strip() for field in line.split('\t')]
        if len(fields) > len(IndexRow.__dataclass_fields__) or not fields[0]:
            raise ValueError(
                f'{path}, line {number}: expected picture, mask, kind and set separated by tabs, got {line!r}'
            )
        for name in fields[:2]:
            if Path(name).is_absolute() or '..' in Path(name).parts:
                raise ValueError(f'{path}, line {number}: {name!r} must lie below the data_prefix folders')
        rows.append(IndexRow(*fields))
    return rows


def write_index(path: str | Path, rows: Iterable[IndexRow]) -> None:
    """Write a list file that :func:`read_index` reads.

    Args:
        path (str | Path): The file.
        rows (Iterable[IndexRow]): One a picture.

    Raises:
        ValueError: If a name cannot stand in such a file: it has a tab or a line break, or begins with ``#``.
    """
    lines = [HEADING]
    for row in rows:
        line = '\t'.join(astuple(row)).rstrip('\t')
        if not _is_utf8(line):
            raise ValueError(f'{row} cannot be written to {path}: a name is not UTF-8, rename the file')
        if line.startswith('#') or len(line.splitlines()) != 1 or any('\t' in field for field in astuple(row)):
            raise ValueError(f'{row} cannot be written to {path}: a name has a tab, a line break or a leading #')
        lines.append(line)
    with written_whole(path) as part:
        part.write_text('\n'.join(lines) + '\n', encoding='utf-8')


def _is_utf8(name: str) -> bool:
    """Whether a name is text: bytes of a file name that are not UTF-8 are lone surrogates in Python."""
    return not any('\ud800' <= letter <= '\udfff' for letter in name)
