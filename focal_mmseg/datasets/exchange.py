"""The lists of other projects, read and written: IMDL-BenCo's JSON, the released code's .npy, MVSS-Net's text."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np

from focal_mmseg.utils import atomic_write

from .index import IndexRow, drop_repeats, read_index, write_index

# What IMDL-BenCo writes in place of the mask of a pristine image, and MVSS-Net.
NEGATIVE, NONE = 'Negative', 'None'


@dataclass(frozen=True)
class Pair:
    """An image and its mask, by the paths of a list.

    Attributes:
        image (str): The image.
        mask (str): Its mask, '' for a pristine image.
    """

    image: str
    mask: str = ''


def read_benco(path: Path) -> list[Pair]:
    """IMDL-BenCo's ``[[image, mask or "Negative"], ...]``.

    Raises:
        ValueError: If it is something else.
    """
    try:
        rows = json.loads(path.read_text(encoding='utf-8-sig'))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f'{path} is no JSON: {error}') from error
    return _pairs(path, rows, NEGATIVE)


def write_benco(path: Path, pairs: Sequence[Pair]) -> None:
    """The list that :func:`read_benco` reads."""
    rows = [[pair.image, pair.mask or NEGATIVE] for pair in pairs]
    with atomic_write(path) as part:
        part.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + '\n', encoding='utf-8')


def read_npy(path: Path) -> list[Pair]:
    """The released code's array of texts of shape (N, 2): image, and mask or ''.

    Raises:
        ValueError: If it is something else; one of pickled objects is refused, because it could run code.
    """
    try:
        rows = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(
            f'{path} is no array of texts, or needs pickled objects, which could run code: {error}'
        ) from error
    if not isinstance(rows, np.ndarray) or rows.dtype.kind != 'U' or rows.ndim != 2 or rows.shape[1] != 2:
        raise ValueError(f'{path} is no array of texts (N, 2)')
    return _pairs(path, rows.tolist(), '')


def write_npy(path: Path, pairs: Sequence[Pair]) -> None:
    """The list that :func:`read_npy` reads."""
    rows = np.array([(pair.image, pair.mask) for pair in pairs], dtype=str).reshape(-1, 2)
    with atomic_write(path) as part, part.open('wb') as file:
        np.save(file, rows, allow_pickle=False)


def read_mvss(path: Path) -> list[Pair]:
    """MVSS-Net's ``image mask-or-None label`` a line.

    Raises:
        ValueError: If a line is no such line.
    """
    try:
        lines = path.read_text(encoding='utf-8-sig').splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f'{path} is not UTF-8: save it as UTF-8 ({error})') from error
    pairs = []
    for number, line in enumerate(lines, 1):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != 3 or fields[2] not in ('0', '1') or (fields[2] == '1') != (fields[1] != NONE):
            raise ValueError(f'{path}, line {number}: expected image, mask or None, and 0 or 1, got {line!r}')
        pairs.append(Pair(fields[0], '' if fields[2] == '0' else fields[1]))
    return pairs


def write_mvss(path: Path, pairs: Sequence[Pair]) -> None:
    """The list that :func:`read_mvss` reads.

    Raises:
        ValueError: If a name has a space, which this form cannot hold.
    """
    spaced = [name for pair in pairs for name in (pair.image, pair.mask) if len(name.split()) > 1]
    if spaced:
        raise ValueError(f'{spaced[0]!r} has a space, which a list of MVSS-Net cannot hold: choose another form')
    lines = [f'{pair.image} {pair.mask or NONE} {int(bool(pair.mask))}\n' for pair in pairs]
    with atomic_write(path) as part:
        part.write_text(''.join(lines), encoding='utf-8')


def _pairs(path: Path, rows: object, none: str) -> list[Pair]:
    """Check rows of two texts."""
    if not isinstance(rows, list):
        raise ValueError(f'{path}: expected a list of images with masks, got {type(rows).__name__}')
    for number, row in enumerate(rows, 1):
        good = isinstance(row, list) and len(row) == 2 and all(isinstance(each, str) for each in row) and row[0]
        if not good:
            raise ValueError(f'{path}, entry {number}: expected an image and a mask, got {row!r}')
    return [Pair(image, '' if mask == none else mask) for image, mask in rows]


READERS: dict[str, Callable[[Path], list[Pair]]] = {'.json': read_benco, '.npy': read_npy, '.txt': read_mvss}
WRITERS: dict[str, Callable[[Path, Sequence[Pair]], None]] = {
    '.json': write_benco,
    '.npy': write_npy,
    '.txt': write_mvss,
}


def import_list(path: Path, out: Path, root: str | None = None) -> str:
    """Write our index of another project's list; images without a mask are of the kind ``'pristine'``.

    An image that the list repeats, as lists do that weigh sets, counts once: a warning tells.

    Args:
        path (Path): Ends in ``.json``, ``.npy`` or ``.txt``.
        out (Path): The index to write.
        root (str, optional): The folder that paths are made relative to. Defaults to the one that they share.

    Returns:
        str: The root: ``data_root`` of the data set.

    Raises:
        ValueError: If the list cannot be read, a path leads out of the root, or an image has two masks.
    """
    pairs = _known(READERS, path)(path)
    parts = [_parts(name) for pair in pairs for name in (pair.image, pair.mask) if name]
    shared = _parts(root) if root is not None else _shared(parts)

    def below(name: str) -> str:
        found = _parts(name)
        if found[: len(shared)] != shared or '..' in found[len(shared) :]:
            raise ValueError(f'{path}: {name!r} is not below {_joined(shared)!r}: give another --root')
        return '/'.join(found[len(shared) :])

    rows = [
        IndexRow(below(pair.image), pair.mask and below(pair.mask), '' if pair.mask else 'pristine', line=number)
        for number, pair in enumerate(pairs, 1)
    ]
    write_index(out, drop_repeats(path, rows, 'entry'))
    return _joined(shared)


def export_list(path: Path, out: Path, images: str, masks: str) -> None:
    """Write another project's list of our index.

    Args:
        path (Path): The index.
        out (Path): Ends in ``.json``, ``.npy`` or ``.txt``.
        images (str): The folder of the images, put before their names.
        masks (str): The folder of the masks.

    Raises:
        ValueError: If there is no such form, or it cannot hold a name.
    """
    write = _known(WRITERS, out)
    pairs = [
        Pair(f'{images}/{row.image}', f'{masks}/{row.mask}' if row.mask and row.kind != 'pristine' else '')
        for row in drop_repeats(path, read_index(path))
    ]
    write(out, pairs)


def _known(forms: dict[str, Callable], path: Path) -> Callable:
    if path.suffix not in forms:
        raise ValueError(f'{path} must end in {", ".join(forms)} (of other projects), or .tsv (our index)')
    return forms[path.suffix]


def _parts(name: str) -> tuple[str, ...]:
    """Of a path, of Windows too."""
    pure = PureWindowsPath(name) if '\\' in name else PurePosixPath(name)
    return tuple(part.replace('\\', '/') for part in pure.parts)


def _shared(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The folders that all paths begin with."""
    if not paths:
        return ()
    shared = paths[0][:-1]
    for parts in paths:
        while parts[:-1][: len(shared)] != shared:
            shared = shared[:-1]
    return shared


def _joined(parts: Sequence[str]) -> str:
    return str(PurePosixPath(*parts)) if parts else '.'
