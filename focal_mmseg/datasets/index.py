"""The list of a data set's images: one line an image, its fields separated by tabs, or a table with a heading."""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

from focal_mmseg.utils import atomic_write

from .list_tables import FIELDS, read_table

HEADING = '# image\tmask\tkind\tset'
# In these our converter of lists brings other projects' pairs.
OF_OTHERS = ('.json', '.npy')
LISTED = 5


@dataclass(frozen=True)
class IndexRow:
    """One image.

    Attributes:
        image (str): Its file, relative to the folder of images.
        mask (str): Its mask's file, relative to the folder of masks; '' for a pristine image without one.
        kind (str): As ``'splice'``; the metric has a row for each. May be ''.
        dataset (str): The set it belongs to; the metric has a row for each. '' is that of the dataset config.
        line (int): Of the file that names it, 0 where none does; two rows may differ in it and be equal.
    """

    image: str
    mask: str = ''
    kind: str = ''
    dataset: str = ''
    line: int = field(default=0, compare=False)

    def fields(self) -> tuple[str, str, str, str]:
        """What a line holds."""
        return self.image, self.mask, self.kind, self.dataset


def read_index(path: str | Path) -> list[IndexRow]:
    """Read a list file.

    A line holds image, mask, kind and set, separated by tabs, of which the last may be left out. Empty lines count for
    nothing, nor do lines that begin with ``#`` and a space; a name that begins with ``#`` is one. A first line that
    names the columns, as ``image,mask`` or ``file_name,mask``, makes it a table whose columns may be in any order,
    separated by tabs, commas or semicolons; ``*.csv`` is separated by the last two without such a line too. ``*.jsonl``
    has an object a line with the same names. Names may be Windows paths, see :func:`name_below`.

    Args:
        path (str | Path): The file.

    Returns:
        list[IndexRow]: In the order of the lines; of repeated ones see :func:`drop_repeats`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not UTF-8, is a list of another project, a line has too many fields or no image, or a name
            leads out of its folder; names the line.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'the list file {path} does not exist: check data_root and ann_file')
    if path.suffix.lower() in OF_OTHERS:
        raise ValueError(f'{path} is a list of another project: make an index of it by tools/convert_list.py')
    try:
        text = path.read_text(encoding='utf-8-sig')
    except UnicodeDecodeError as error:
        raise ValueError(f'the list file {path} is not UTF-8: save it as UTF-8 ({error})') from error
    return _rows(path, text)


def _rows(path: Path, text: str) -> list[IndexRow]:
    """What the lines say, one by one."""
    table = read_table(path, text)
    found = _read_lines(path, text) if table is None else table
    rows = []
    for number, fields in found:
        for name in fields[:2]:
            if _leads_out(name):
                raise ValueError(f'{path}, line {number}: {name!r} must lie below the data_prefix folders')
        image, mask, kind, dataset, *_ = [*fields, '', '', '']
        rows.append(IndexRow(image, mask, kind, dataset, number))
    return rows


def _read_lines(path: Path, text: str) -> Iterable[tuple[int, list[str]]]:
    """The numbers and fields of the lines that name an image, separated by tabs."""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or _is_comment(line):
            continue
        fields = [each.strip() for each in line.split('\t')]
        if len(fields) > len(FIELDS) or not fields[0]:
            raise ValueError(
                f'{path}, line {number}: expected image, mask, kind and set separated by tabs, got {line!r}'
            )
        # Before a name this says that the name begins behind it.
        yield number, [fields[0].removeprefix('./'), *fields[1:]]


def _is_comment(line: str) -> bool:
    """Whether a line is a comment, and not the name of an image that begins with ``#``."""
    return line.startswith('#') and (line[1:2] in ('', '#') or line[1].isspace())


def _leads_out(name: str) -> bool:
    """Whether a path leads out of the folder it is in, read as one of Windows too where it may be one."""
    windows = PureWindowsPath(name if '\\' in name else '')
    return any(path.is_absolute() or '..' in path.parts for path in (PurePosixPath(name), windows))


def name_below(folder: Path, name: str) -> str:
    """A name of a list as its file is called: of one that is not there, a Windows path is taken with slashes.

    Args:
        folder (Path): That the name is relative to.
        name (str): As the list has it.
    """
    slashed = name.replace('\\', '/')
    if '\\' not in name or _leads_out(slashed):
        return name
    try:
        return name if (folder / name).exists() else slashed
    except (OSError, ValueError):
        return name


def drop_repeats(path: str | Path, rows: Sequence[IndexRow], place: str = 'line') -> list[IndexRow]:
    """The rows of a list without those that repeat another.

    Args:
        path (str | Path): The list, for errors.
        rows (Sequence[IndexRow]): With their lines.
        place (str): What ``line`` counts, for errors. Defaults to ``'line'``.

    Returns:
        list[IndexRow]: In order; a warning tells how many are left out.

    Raises:
        ValueError: If two rows say different things of one image of a set; names their lines.
    """
    first: dict[tuple[str, str], IndexRow] = {}
    repeated = []
    for row in rows:
        before = first.setdefault((str(PurePosixPath(row.image)), row.dataset), row)
        if before is row:
            continue
        if before.fields()[1:] != row.fields()[1:]:
            raise ValueError(
                f'{path}, {place} {row.line}: {row.image} is named in {place} {before.line} too, with another mask or '
                'kind: leave one of them out'
            )
        repeated.append(f'{place} {row.line} repeats {place} {before.line}, {row.image}')
    if repeated:
        more = f' and {len(repeated) - LISTED} more' if len(repeated) > LISTED else ''
        warnings.warn(f'{path}: {"; ".join(repeated[:LISTED])}{more}: each image counts once', stacklevel=3)
    return list(first.values())


def write_index(path: str | Path, rows: Iterable[IndexRow]) -> None:
    """Write a list file that :func:`read_index` reads.

    Args:
        path (str | Path): The file.
        rows (Iterable[IndexRow]): One an image.

    Raises:
        ValueError: If a name cannot stand in such a file: it has a tab or a line break, begins or ends with a space,
            or leads out of its folder.
    """
    lines = [HEADING]
    for row in rows:
        escaped = './' if row.image.startswith(('#', './')) else ''
        line = escaped + '\t'.join(row.fields()).rstrip('\t')
        if not _is_utf8(line):
            raise ValueError(f'{row} cannot be written to {path}: a name is not UTF-8, rename the file')
        if not _is_read_as(path, line, row):
            raise ValueError(
                f'{row} cannot be written to {path}: a name has a tab, a line break or a space at an end, or leads out '
                'of its folder'
            )
        lines.append(line)
    with atomic_write(path) as part:
        part.write_text('\n'.join(lines) + '\n', encoding='utf-8')


def _is_read_as(path: str | Path, line: str, row: IndexRow) -> bool:
    """Whether a line would be read as a row."""
    try:
        return _rows(Path(path).with_suffix('.tsv'), f'{HEADING}\n{line}\n') == [row]
    except ValueError:
        return False


def _is_utf8(name: str) -> bool:
    """Whether a name is text: bytes of a file name that are not UTF-8 are lone surrogates in Python."""
    return not any('\ud800' <= letter <= '\udfff' for letter in name)
