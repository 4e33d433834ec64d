"""What a folder of predictions holds, as one page and one table."""

import csv
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import cv2
from mmcv.image.io import imread_flags

from focal_mmseg.utils import ConfigError, atomic_write, load_image, read_image
from focal_mmseg.utils.progress import track

from .gallery import FORGED, Entry, View, paint, view, write_gallery
from .prediction_folder import STAMP, SUMMARY, PredictionFolder

PAGE, TABLE = 'index.html', 'results.csv'
# The small images of the page.
VIEWS = '.views.json'
# Keys of a summary.json that are columns of the table, and the headings of those that are columns of the page.
KEYS = ('width', 'height', 'forged_share', 'image_score', 'clusters', 'noise_share', 'seconds')
COLUMNS = ('image', 'file', *KEYS, 'failure')
HEADINGS = {'image_score': 'image score', 'forged_share': 'forged share', 'clusters': 'clusters'}
NOTE = (
    'Coloured: what the model calls forged. The right view is its score: the brighter, the more likely forged. Point '
    'at an image to see it without the mask. The name leads to the overlay at full size, beside the other files.'
)


def require_own_overview(folder: Path) -> None:
    """Refuse to replace a page or a table that is not of predictions.

    Args:
        folder (Path): That is to get them; need not be there.

    Raises:
        ConfigError: If one is another program's; names it.
    """
    for path in (folder / PAGE, folder / TABLE):
        if path.is_file() and not (folder / STAMP).is_file():
            raise ConfigError(f'{path} is of something else and would be replaced: give another folder by --out')
    if (folder / TABLE).is_file() and _columns(folder / TABLE) != COLUMNS:
        raise ConfigError(
            f'{folder / TABLE} has other columns than this command writes: rename it if it is yours, or delete it if '
            'it is damaged; it is made anew of the summaries of the images'
        )


def write_overview(
    results: PredictionFolder, found: Mapping[str, Path], failures: Mapping[str, str], color_type: str = 'color'
) -> dict[str, dict[str, Any]]:
    """Write ``index.html`` and ``results.csv``, with a row for each image of this call and of those before.

    Images that failed in an earlier call keep their row while their file is there. Results of another model have none,
    which standard error says.

    Args:
        results (PredictionFolder): The results.
        found (Mapping[str, Path]): The images of this call, by the name of their folder in it.
        failures (Mapping[str, str]): Why those of this call have no result, by name.
        color_type (str): How files are decoded; see :class:`FOCALInferencer`. Defaults to ``'color'``.

    Returns:
        dict[str, dict]: The summary of each image that has a result, by name.
    """
    summaries, others = results.collect()
    if others:
        print(
            f'{others} images in {results.folder} have results of another model: they are not on the page',
            file=sys.stderr,
        )
    files = {name: Path(summary['image']) for name, summary in summaries.items()} | dict(found)
    failed = {
        name: (file, why)
        for name, (file, why) in _earlier_failures(results.folder / TABLE).items()
        if name not in found and file.is_file() and not results.is_done(name, file)
    }
    failed |= {name: (found[name], why) for name, why in failures.items()}
    # What an image was before it failed is no result of it now.
    summaries = {name: summary for name, summary in summaries.items() if name not in failed}
    rows = {name: [files[name], *(summary.get(key, '') for key in KEYS), ''] for name, summary in summaries.items()}
    rows |= {name: [file, *[''] * len(KEYS), why] for name, (file, why) in failed.items()}
    _write_table(results.folder / TABLE, rows)

    entries = [Entry(name, failure=why) for name, (_, why) in sorted(failed.items())]
    entries += _entries(results.folder, summaries, files, color_type)
    by = next((HEADINGS[key] for key in HEADINGS if any(key in each for each in summaries.values())), None)
    levels = sorted({each['calibration'] for each in summaries.values() if 'calibration' in each})
    note = ' '.join([NOTE, *(f'False alarms are calibrated for {level}.' for level in levels)])
    write_gallery(results.folder / PAGE, 'Predictions', note, entries, {'forged': FORGED}, sorted_by=by)
    return summaries


def _entries(
    folder: Path, summaries: Mapping[str, dict[str, Any]], files: Mapping[str, Path], color_type: str
) -> list[Entry]:
    """The rows of images that have a result."""
    small, entries = _SmallImages(folder, color_type), []
    for name, summary in track(summaries.items(), 'images on the page'):
        values = {heading: summary[key] for key, heading in HEADINGS.items() if key in summary}
        try:
            views = small.views(name, files[name])
        except (OSError, ValueError) as error:
            entries.append(Entry(name, failure=f'its result is there, but cannot be shown: {error}'))
        else:
            entries.append(Entry(name, views, values, summary['forged_share'] > 0, f'{name}/overlay.png'))
    small.keep()
    return entries


class _SmallImages:
    """Those of the page, which are kept beside it: a page of 1,000 images is written in a second.

    Args:
        folder (Path): Of the results.
        color_type (str): See :func:`write_overview`.
    """

    def __init__(self, folder: Path, color_type: str) -> None:
        self._folder = folder
        self._color_type = color_type
        self._used: dict[str, dict[str, Any]] = {}
        try:
            kept = json.loads((folder / VIEWS).read_text(encoding='utf-8'))
        except (OSError, ValueError, RecursionError):
            kept = None
        self._kept = kept if isinstance(kept, dict) else {}

    def views(self, name: str, path: Path) -> list[View]:
        """Of an image's result.

        Args:
            name (str): Of its folder.
            path (Path): The image.

        Raises:
            OSError: If a file cannot be read.
            ValueError: See there.
        """
        of = sha256((self._folder / name / SUMMARY).read_bytes()).hexdigest()
        try:
            kept = self._kept[name]
            views = [View(**each) for each in kept['views']] if kept['of'] == of else None
        except (KeyError, TypeError):
            views = None
        views = views or self._make(self._folder / name, path)
        self._used[name] = dict(of=of, views=[asdict(each) for each in views])
        return views

    def keep(self) -> None:
        """Write those that were asked for, for the next time."""
        with atomic_write(self._folder / VIEWS) as part:
            part.write_text(json.dumps(self._used), encoding='utf-8')

    def _make(self, folder: Path, path: Path) -> list[View]:
        image = cv2.cvtColor(load_image(path, imread_flags[self._color_type]), cv2.COLOR_BGR2RGB)
        mask = read_image(folder / 'mask.png', cv2.IMREAD_GRAYSCALE)
        score = read_image(folder / 'score.png', cv2.IMREAD_UNCHANGED)
        if mask is None or score is None:
            raise ValueError('mask.png or score.png is missing or damaged')
        coloured = paint([(mask > 0, FORGED)], mask.shape)
        return [view(image, 'image', coloured), view((score // 257).astype('uint8'), 'score')]


def _write_table(path: Path, rows: Mapping[str, list]) -> None:
    """A row an image, by its name."""
    with atomic_write(path) as part, part.open('w', newline='', encoding='utf-8', errors='surrogateescape') as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([name, *row] for name, row in sorted(rows.items()))


def _columns(path: Path) -> tuple[str, ...]:
    """The first row of a table."""
    with path.open(newline='', encoding='utf-8', errors='surrogateescape') as file:
        try:
            return tuple(next(csv.reader(file), ()))
        except csv.Error:
            return ()


def _earlier_failures(path: Path) -> dict[str, tuple[Path, str]]:
    """The images that an earlier table gives no result of, by name: their files, and why; damaged rows are left out."""
    if not path.is_file():
        return {}
    with path.open(newline='', encoding='utf-8', errors='surrogateescape') as file:
        reader, failed = csv.reader(file), {}
        try:
            for row in reader:
                if len(row) == len(COLUMNS) and row[-1] and tuple(row) != COLUMNS:
                    failed[row[0]] = Path(row[1]), row[-1]
        except csv.Error:
            # What could be read of it is kept.
            pass
    return failed
