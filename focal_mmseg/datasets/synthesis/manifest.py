"""The manifest of a data set: one row per image, written as the images are, so that a run can be taken up again."""

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from focal_mmseg.utils import atomic_write

from .recipe import Recipe
from .scenes import Sources

COLUMNS = (
    *('image', 'kind', 'host', 'donor', 'cut_x', 'cut_y', 'target_scale', 'target_quality'),
    *('region', 'share', 'source_quality', 'scale', 'rotation', 'luminance', 'contrast', 'colour'),
    *('processing', 'strength', 'from_x', 'from_y', 'to_x', 'to_y', 'grid', 'grid_x', 'grid_y'),
    *('softness', 'blending', 'inpainting', 'radius', 'dilation', 'quality', 'subsampling'),
)


class Manifest:
    """``manifest.csv``, ``synthesis.json`` (what the set was made with) and ``left_out.csv`` (unusable photographs).

    Args:
        out (Path): Folder of the data set.
        recipe (Recipe): It is made with.
        seed (int): It is made with.
        sources (Sources): Of which the names are kept, as a hash.

    Attributes:
        left_out (dict[str, str]): Photographs that could not be used, with the reason, of earlier runs too.

    Raises:
        FileExistsError: If the folder holds images that were made with something else.
    """

    def __init__(self, out: Path, recipe: Recipe, seed: int, sources: Sources) -> None:
        self._out = out
        self._made_with = dict(
            seed=seed,
            recipe=recipe.asdict(),
            photographs=_names_hash(sources.photographs),
            objects=_names_hash(sources.objects),
        )
        self._refuse_another()
        self._rows: dict[str, Mapping[str, object]] = {row['image']: row for row in _read(out / 'manifest.csv')}
        self.left_out = {row['photograph']: row['reason'] for row in _read(out / 'left_out.csv')}

    def has(self, name: str) -> bool:
        """Whether an image was made before, and its files are there."""
        row = self._rows.get(name)
        if row is None:
            return False
        image = self._out / 'images' / f'{name}{".jpg" if row["quality"] else ".png"}'
        return image.is_file() and (self._out / 'masks' / f'{name}.png').is_file()

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Rows may be added meanwhile; at the end, or on an error, the files are written in order."""
        with atomic_write(self._out / 'synthesis.json') as part:
            part.write_text(json.dumps(self._made_with, indent=2) + '\n', encoding='utf-8')
        # What an interruption cut off must not be added to.
        self._write()
        try:
            with (self._out / 'manifest.csv').open('a', newline='', encoding='utf-8', buffering=1) as self._file:
                yield
        finally:
            self._write()

    def add(self, row: dict[str, object], left_out: dict[str, str]) -> None:
        """Add the row of an image whose files are there."""
        self._rows[str(row['image'])] = row
        self.left_out |= left_out
        csv.DictWriter(self._file, COLUMNS, extrasaction='ignore').writerow(row)

    def _refuse_another(self) -> None:
        path = self._out / 'synthesis.json'
        if not path.is_file():
            if (self._out / 'images').exists():
                raise FileExistsError(f'{self._out} holds images already, without {path.name}: give another folder')
            return
        before = json.loads(path.read_text(encoding='utf-8'))
        wanted = json.loads(json.dumps(self._made_with))
        other = [key for key in wanted if before.get(key) != wanted[key]]
        if other:
            raise FileExistsError(
                f'{self._out} holds images already, made with another {" and ".join(other)}: give another folder, '
                'or delete it'
            )

    def _write(self) -> None:
        rows = sorted(self._rows.values(), key=lambda row: (row['kind'], len(str(row['image'])), row['image']))
        _write_rows(self._out / 'manifest.csv', COLUMNS, rows)
        if self.left_out:
            named = [dict(photograph=name, reason=reason) for name, reason in sorted(self.left_out.items())]
            _write_rows(self._out / 'left_out.csv', ('photograph', 'reason'), named)


def _names_hash(names: Iterable[str]) -> str:
    return hashlib.sha256('\n'.join(sorted(names)).encode()).hexdigest()[:16]


def _read(path: Path) -> list[dict[str, str]]:
    """The rows of a file, without a last line that an interruption cut off."""
    if not path.is_file():
        return []
    with path.open(encoding='utf-8', newline='') as file:
        lines = file.readlines()
    return list(csv.DictReader(line for line in lines if line.endswith('\n')))


def _write_rows(path: Path, columns: tuple[str, ...], rows: Sequence[Mapping[str, object]]) -> None:
    with atomic_write(path) as part, part.open('w', newline='', encoding='utf-8') as file:
        writer = csv.DictWriter(file, columns, extrasaction='ignore')
        writer.writeheader()
        writer.writerows(rows)
