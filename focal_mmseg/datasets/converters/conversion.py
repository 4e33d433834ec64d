"""From a public data set as it is released to folders of images and masks with one index."""

import filecmp
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from focal_mmseg.datasets.index import IndexRow, read_index, write_index
from focal_mmseg.datasets.transforms.loading import has_proportions
from focal_mmseg.utils import atomic_write, search_images, write_image, write_json
from focal_mmseg.utils.progress import track

from .base import DataSet, Dropped, ReleasedImage, image_size


@dataclass
class Report:
    """What a conversion did.

    Attributes:
        counts (Counter): Converted images of each kind.
        dropped (list[str]): Images that were left out, and why.
        known (list[str]): The same of those that cannot be used even of a perfect download.
        mended (list[str]): Images whose mask was changed, and how.
        renamed (list[str]): Images whose mask has another name than theirs, and how it was found.
        failed_rules (Counter): How many images were left out because of which rule.
        unused (Counter): How many images of each folder of the source no rule of the set takes, as images or masks.
        notes (list[str]): What else is unlike the release.
    """

    counts: Counter = field(default_factory=Counter)
    dropped: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)
    failed_rules: Counter = field(default_factory=Counter)
    unused: Counter = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)


class LeftOutError(ValueError):
    """So much of a release was left out that a rule of the converter does not fit it.

    Args:
        message (str): Names the rules.
        report (Report): With every image that was left out.
    """

    def __init__(self, message: str, report: Report) -> None:
        super().__init__(message)
        self.report = report


def convert(
    dataset: DataSet, source: str | Path, out: str | Path, copy: bool = False, most_left_out: float = 1
) -> Report:
    """Convert a data set; its files are only read.

    Writes ``images/<kind>/*`` (links to the images, or copies of their bytes), ``masks/<kind>/*.png`` (0 pristine,
    255 forged), ``index.tsv``, which :class:`ForgeryDataset` reads, and ``report.json``. Converted again into the same
    folder, also after it broke off, images that are no longer converted are taken away. Of files with the same name
    and the same bytes one is taken.

    Args:
        dataset (DataSet): Which.
        source (str | Path): The folder it was unpacked into.
        out (str | Path): The folder to write into, not inside the source.
        copy (bool): Whether images are copied and not linked. Defaults to False.
        most_left_out (float): Share of the forged, or of the pristine images, in 0..1, that may be left out beyond
            what is known of the release. Defaults to 1; the command allows .01: more says that a rule does not fit.

    Returns:
        Report: With what was left out.

    Raises:
        FileNotFoundError: If the source is no folder.
        OSError: If the output cannot be written.
        ValueError: If nothing in it looks like this set, two different images would have one name, or ``out`` is in
            the source or holds something else; nothing is written then.
        LeftOutError: If more than ``most_left_out`` had to be left out: then a report is written, and no index.
    """
    source, out = Path(source), Path(out)
    # Layouts go by the names of folders, and "." has none.
    source = source.resolve() if source.name in ('', '..') else source
    _check_folders(dataset, source, out)
    report = Report()
    images = _named(dataset.find(source, report.notes.append), report)
    if not images:
        raise ValueError(f'{source} holds no image of {dataset.title}; expected {dataset.layout}')
    before = read_index(out / 'index.tsv') if (out / 'index.tsv').is_file() else []
    # Whose folder it is stands in it from the beginning: a conversion that broke off can be started again.
    _write_report(dataset, Report(), out, finished=False)
    rows = []
    lost: Counter[bool] = Counter()
    for name, released in track(images.items(), 'images'):
        try:
            mask = _read_mask(dataset, released, report)
        except Dropped as error:
            line = f'{released.image.relative_to(source)}: {error}'
            if dataset.expects_loss(released.image):
                report.known.append(line)
            else:
                report.dropped.append(line)
                report.failed_rules[error.rule] += 1
                lost[released.kind == 'pristine'] += 1
            continue
        if released.renamed:
            mask_name = released.masks[0].name if released.masks else released.image.name
            report.renamed.append(f'{released.image.relative_to(source)}: {mask_name}, {released.renamed}')
        rows.append(_write(dataset, released, name, mask, out, copy))
        report.counts[released.kind] += 1
    _count_renamed(report)
    _count_unused(source, images.values(), report)
    _require_few_lost(dataset, report, lost, most_left_out, out)
    write_index(out / 'index.tsv', rows)
    _remove_stale(before, rows, out)
    _write_report(dataset, report, out, finished=True)
    return report


def _check_folders(dataset: DataSet, source: Path, out: Path) -> None:
    """Refuse what would read or write in a wrong place."""
    if not source.is_dir():
        raise FileNotFoundError(f'the folder {source} does not exist')
    if out.resolve().is_relative_to(source.resolve()):
        raise ValueError(f'{out} is in the source {source}, which is only read: give another folder to write into')
    if not out.exists() or not any(out.iterdir()):
        return
    try:
        held = json.loads((out / 'report.json').read_text(encoding='utf-8'))['set']
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f'{out} holds something that is no converted set: give a new folder') from error
    if held != dataset.name:
        raise ValueError(f'{out} holds the converted set {held}: give a new folder for {dataset.name}')


def _named(images: Iterable[ReleasedImage], report: Report) -> dict[str, ReleasedImage]:
    """The images by the names that they will have, each once."""
    named: dict[str, ReleasedImage] = {}
    for released in images:
        name = '/'.join(filter(None, (released.kind, released.name or released.image.stem)))
        first = named.setdefault(name, released)
        if first is released or first == released:
            continue
        if not _same_bytes((first.image, *first.masks), (released.image, *released.masks)):
            raise ValueError(
                f'{first.image} and {released.image} differ, but would both be called {name}: take one of them out of '
                'the source, or convert a folder that has only one of them'
            )
        report.notes.append(f'{released.image} is the same as {first.image} and counts once')
    return named


def _same_bytes(first: Sequence[Path], second: Sequence[Path]) -> bool:
    """Whether files have the same content, one by one."""
    if len(first) != len(second):
        return False
    pairs = [(one, other) for one, other in zip(first, second, strict=True) if one != other]
    return all(one.is_file() and other.is_file() and filecmp.cmp(one, other, shallow=False) for one, other in pairs)


def _read_mask(dataset: DataSet, released: ReleasedImage, report: Report) -> np.ndarray:
    """The mask at the image's size, bool (H, W).

    Raises:
        Dropped: If there is none.
    """
    try:
        size = image_size(released.image)
    except (OSError, ValueError) as error:
        raise Dropped(str(error), 'an image can be read') from error
    if not released.masks:
        return np.zeros(size, bool)
    missing = [path.name for path in released.masks if not path.is_file()]
    if missing:
        raise Dropped(f'its mask {missing[0]} does not exist', f'a mask has the name of its image ({dataset.layout})')
    try:
        mask = dataset.read_mask(released.masks)
    except (OSError, ValueError) as error:
        raise Dropped(str(error)) from error
    if mask.shape == size:
        return mask
    sizes = f'its mask is {mask.shape[1]}x{mask.shape[0]}, the image {size[1]}x{size[0]}'
    if not _may_be_resized(dataset.wrong_size, mask.shape, size):
        raise Dropped(sizes, 'a mask has the size of its image')
    report.mended.append(f'{released.image.name}: {sizes}, resized to the nearest pixel')
    return cv2.resize(mask.astype(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST_EXACT) > 0


def _count_renamed(report: Report) -> None:
    """Note how many masks were found by which rule of corrected names."""
    for rule, number in Counter(line.rpartition(', ')[2] for line in report.renamed).items():
        report.notes.append(f'{number} masks have a corrected name of their images: {rule}')


def _count_unused(source: Path, images: Iterable[ReleasedImage], report: Report) -> None:
    """Count the images that are neither images nor masks of the set, by their folders."""
    used = {path for released in images for path in (released.image, *released.masks)}
    unused = (path for path in search_images(source).paths if path not in used)
    report.unused.update(path.parent.relative_to(source).as_posix() for path in unused)


def _require_few_lost(dataset: DataSet, report: Report, lost: Counter, most: float, out: Path) -> None:
    """Refuse a conversion that left out too much; what it says is in the report.

    Raises:
        LeftOutError: Names the rules that failed.
    """
    kept = Counter({True: report.counts['pristine'], False: report.counts.total() - report.counts['pristine']})
    for pristine, number in sorted(lost.items()):
        total = number + kept[pristine]
        if number <= most * total:
            continue
        _write_report(dataset, report, out, finished=False)
        rules = '; '.join(f'{rule}: not so for {count}' for rule, count in report.failed_rules.most_common())
        raise LeftOutError(
            f'{number} images were left out of {total} {"pristine" if pristine else "forged"} ones '
            f'({number / total:.1%}), more than {most:.0%}, so that the source is not the release that is known, or a '
            f'rule does not fit it. {rules}. The first: {report.dropped[0]}. All are in {out / "report.json"}, and no '
            f'index is written; if the rest will do: --most-left-out {-(-number * 100 // total) / 100:g}',
            report,
        )


def _may_be_resized(rule: str, mask: tuple[int, int], image: tuple[int, int]) -> bool:
    if rule == 'proportional':
        return has_proportions(mask, image)
    return rule == 'nearest' and mask[::-1] != image


def _write(dataset: DataSet, released: ReleasedImage, name: str, mask: np.ndarray, out: Path, copy: bool) -> IndexRow:
    """Write one image and its mask."""
    image = f'{name}{released.image.suffix}'
    place(released.image, out / 'images' / image, copy)
    write_image(out / 'masks' / f'{name}.png', mask.astype(np.uint8) * 255)
    return IndexRow(image, f'{name}.png', released.kind, dataset.name)


def place(source: Path, target: Path, copy: bool) -> None:
    """Put a file where it is expected: a link, or its bytes where links are not wanted or not possible."""
    with atomic_write(target) as part:
        if not copy:
            try:
                part.symlink_to(source.resolve())
                return
            except OSError:
                pass
        shutil.copyfile(source, part)


def _remove_stale(before: Sequence[IndexRow], rows: Sequence[IndexRow], out: Path) -> None:
    """Take away what an earlier conversion wrote and this one did not."""
    for folder, field_name in (('images', 'image'), ('masks', 'mask')):
        stale = {getattr(row, field_name) for row in before} - {getattr(row, field_name) for row in rows}
        for name in filter(None, stale):
            (out / folder / name).unlink(missing_ok=True)


def _write_report(dataset: DataSet, report: Report, out: Path, finished: bool) -> None:
    content = dict(set=dataset.name, finished=finished, **vars(report))
    write_json(out / 'report.json', content)
