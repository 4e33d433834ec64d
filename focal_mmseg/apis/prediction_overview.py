"""What a folder of predictions holds, as one page and one table."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
from mmcv.image.io import imread_flags

from focal_mmseg.utils import atomic_write, load_image, read_image
from focal_mmseg.utils.progress import track

from .gallery import FORGED, Entry, paint, view, write_gallery

PAGE, TABLE = 'index.html', 'results.csv'
# Keys of a summary.json that are columns of the table, and the headings of those that are columns of the page.
KEYS = ('width', 'height', 'forged_share', 'image_score', 'clusters', 'noise_share', 'seconds')
HEADINGS = {'image_score': 'image score', 'forged_share': 'forged share', 'clusters': 'clusters'}
NOTE = (
    'Coloured: what the model calls forged. The right view is its score: the brighter, the more likely forged. Point '
    'at an image to see it without the mask. The name leads to the overlay at full size, beside the other files.'
)


def write_overview(
    folder: Path, found: Mapping[str, Path], failures: Mapping[str, str], color_type: str = 'color'
) -> dict[str, dict[str, Any]]:
    """Write ``index.html`` and ``results.csv``, with a row an image.

    Args:
        folder (Path): Of a :class:`PredictionFolder`.
        found (Mapping[str, Path]): The images, by the name of their folder in it.
        failures (Mapping[str, str]): Why images have no result, by name.
        color_type (str): How files are decoded; see :class:`FOCALInferencer`. Defaults to ``'color'``.

    Returns:
        dict[str, dict]: The summary of each image that has a result, by name.
    """
    summaries = {name: _summary(folder / name) for name in found if name not in failures}
    _write_table(folder / TABLE, found, summaries, failures)
    entries = [
        Entry(name, failure=failures[name])
        if name in failures
        else _entry(folder, name, path, summaries[name], color_type)
        for name, path in track(found.items(), 'images on the page')
    ]
    by = next((HEADINGS[key] for key in HEADINGS if any(key in each for each in summaries.values())), None)
    legend = {'forged': FORGED}
    levels = sorted({each['calibration'] for each in summaries.values() if 'calibration' in each})
    note = ' '.join([NOTE, *(f'False alarms are calibrated for {level}.' for level in levels)])
    write_gallery(folder / PAGE, 'Predictions', note, entries, legend, sorted_by=by)
    return summaries


def _summary(folder: Path) -> dict[str, Any]:
    return json.loads((folder / 'summary.json').read_text(encoding='utf-8'))


def _entry(folder: Path, name: str, path: Path, summary: dict[str, Any], color_type: str) -> Entry:
    """The row of an image on the page."""
    values = {heading: summary[key] for key, heading in HEADINGS.items() if key in summary}
    try:
        image = cv2.cvtColor(load_image(path, imread_flags[color_type]), cv2.COLOR_BGR2RGB)
    except (OSError, ValueError) as error:
        return Entry(name, failure=f'the image cannot be read any more: {error}')
    mask = read_image(folder / name / 'mask.png', cv2.IMREAD_GRAYSCALE)
    score = read_image(folder / name / 'score.png', cv2.IMREAD_UNCHANGED)
    views = (
        view(image, 'image', paint([(mask > 0, FORGED)], mask.shape)),
        view((score // 257).astype('uint8'), 'score'),
    )
    return Entry(name, views, values, summary['forged_share'] > 0, f'{name}/overlay.png')


def _write_table(
    path: Path, found: Mapping[str, Path], summaries: Mapping[str, dict[str, Any]], failures: Mapping[str, str]
) -> None:
    """A row an image: its name, its file, what its summary says, and why it failed."""
    with atomic_write(path) as part, part.open('w', newline='', encoding='utf-8', errors='surrogateescape') as file:
        writer = csv.writer(file)
        writer.writerow(('image', 'file', *KEYS, 'failure'))
        for name, source in found.items():
            summary = summaries.get(name, {})
            writer.writerow((name, source, *(summary.get(key, '') for key in KEYS), failures.get(name, '')))
