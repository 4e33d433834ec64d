"""Lists that name their columns: CSV, TSV with a heading, and JSON Lines, as Hugging Face's ``metadata.csv``."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from focal_mmseg.utils import IMAGE_SUFFIXES

# What a list says of an image, with the names that its column may have; of several the first counts.
FIELDS: dict[str, tuple[str, ...]] = {
    'image': (
        *('image', 'img', 'picture', 'file_name', 'filename', 'image_path', 'img_path', 'image_file'),
        *('image_file_name', 'image_filename', 'path', 'file_path', 'filepath', 'file'),
    ),
    'mask': (
        *('mask', 'mask_path', 'mask_file', 'mask_file_name', 'mask_filename', 'seg_map', 'seg_map_path'),
        *('gt', 'gt_path', 'ground_truth', 'groundtruth', 'segmentation', 'label_path'),
    ),
    'kind': ('kind', 'type', 'forgery_type'),
    'set': ('set', 'dataset', 'dataset_name'),
}
# What stands in place of the mask of a pristine image.
NO_MASK = ('', 'none', 'null', 'nan', 'negative')
SEPARATORS = ('\t', ',', ';')
Rows = Iterator[tuple[int, list[str]]]


def read_table(path: Path, text: str) -> Rows | None:
    """The lines of a list that names its columns, or of a CSV without names.

    Args:
        path (Path): The list; ``*.csv`` and ``*.jsonl`` are tables in any case.
        text (str): What it holds.

    Returns:
        Iterator | None: (number of the line, image, mask, kind and set); None where it is no such list.

    Raises:
        ValueError: If a column is missing or nobody knows what it is, or a line does not fit; names the line.
    """
    lines = text.split('\n')
    first = next((line.rstrip('\r') for line in lines if line.strip()), '')
    if path.suffix.lower() in ('.jsonl', '.ndjson') or _is_object(first):
        return _read_objects(path, lines)
    separator = _separator(path, first)
    if separator is None:
        return None
    return _read_rows(path, text, separator)


def _is_object(line: str) -> bool:
    try:
        return line.startswith('{') and isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _separator(path: Path, first: str) -> str | None:
    """What separates the fields of a table, by its first line; None where that is a line of a list by tabs."""
    for separator in SEPARATORS:
        if _is_heading(first.split(separator)):
            return separator
    if path.suffix.lower() != '.csv':
        return None
    return next((each for each in SEPARATORS if each in first), ',')


def _is_heading(fields: Sequence[str]) -> bool:
    """Whether fields name columns, and no image."""
    names = [_plain(name) for name in fields]
    return any(name in FIELDS['image'] for name in names) and not any(_is_image(name) for name in names)


def _plain(name: str) -> str:
    """A column's name in one spelling."""
    return name.strip().strip('"').lower().replace(' ', '_').replace('-', '_')


def _is_image(value: str) -> bool:
    return value.strip().strip('"').lower().endswith(IMAGE_SUFFIXES)


def _read_rows(path: Path, text: str, separator: str) -> Rows:
    reader = csv.reader(text.splitlines(keepends=True), delimiter=separator)
    columns: list[str] | None = None
    checked: set[str] = set()
    try:
        for fields in reader:
            if not any(each.strip() for each in fields):
                continue
            if columns is None and _is_heading(fields):
                columns = [_plain(name) for name in fields]
                continue
            columns = columns or list(FIELDS)
            if len(fields) > len(columns):
                raise ValueError(f'{path}, line {reader.line_num}: it has {len(fields)} fields, more than columns')
            row = dict(zip(columns, fields, strict=False))
            yield reader.line_num, _row(path, reader.line_num, row, checked)
    except csv.Error as error:
        raise ValueError(f'{path}, line {reader.line_num}: {error}') from error


def _read_objects(path: Path, lines: Sequence[str]) -> Rows:
    checked: set[str] = set()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ValueError(f'{path}, line {number}: no JSON: {error}') from error
        if not isinstance(found, dict):
            raise ValueError(f'{path}, line {number}: expected an object with "image" and "mask", got {line[:80]!r}')
        yield number, _row(path, number, {_plain(key): value for key, value in found.items()}, checked)


def _row(path: Path, number: int, row: Mapping[str, object], checked: set[str]) -> list[str]:
    """Image, mask, kind and set of a line.

    Args:
        path (Path): The list, for errors.
        number (int): Of the line.
        row (Mapping[str, object]): By column.
        checked (set[str]): Columns that were found to name no file, which grows.
    """
    values = []
    for meaning, names in FIELDS.items():
        value = next((row[name] for name in names if name in row), '')
        if value is not None and not isinstance(value, str):
            raise ValueError(f'{path}, line {number}: the {meaning} must be a text, got {value!r}')
        values.append((value or '').strip())
    if not values[0]:
        raise ValueError(f'{path}, line {number}: it names no image; known columns are {", ".join(FIELDS["image"])}')
    if values[1].lower() in NO_MASK:
        values[1] = ''
    if not any(name in row for name in FIELDS['mask']):
        _require_no_file(path, number, row, checked)
    return values


def _require_no_file(path: Path, number: int, row: Mapping[str, object], checked: set[str]) -> None:
    """Refuse a list whose masks may be in a column that nobody knows: they would count as missing."""
    known = {name for names in FIELDS.values() for name in names}
    for name, value in row.items():
        if name in known or name in checked:
            continue
        if isinstance(value, str) and _is_image(value):
            raise ValueError(
                f'{path}, line {number}: the column {name!r} names files, but no column is known to name masks: call '
                'it mask'
            )
