"""The images of a test on one page, the worst first."""

from pathlib import Path
from typing import Any

import cv2

from focal_mmseg.datasets.tested_images import Source, read_mask, sources
from focal_mmseg.evaluation import read_rows
from focal_mmseg.evaluation.files import IMAGES_FILE
from focal_mmseg.utils.progress import track

from .gallery import HIT_COLOURS, Entry, paint_hits, view, write_gallery
from .prediction_overview import PAGE

# Columns of the table of images, and their headings on the page.
HEADINGS = {
    'iou': 'IoU',
    'forged_f1': 'forged F1',
    'auc': 'AUC',
    'false_alarm': 'false alarms',
    'image_score': 'image score',
}
NOTE = (
    'The worst image first, by the IoU of forged images; pristine images follow. Point at an image to see it without '
    'the colours. The name leads to the mask that the test wrote.'
)


def write_overview(folder: Path, dataset: Any) -> None:
    """Write ``index.html`` beside the masks and the table of images that a test wrote.

    Args:
        folder (Path): Of ``tools/test.py --out``.
        dataset (Any): What was tested on, see :func:`.sources`.
    """
    rows = {(row['dataset'], row['image']): row for row in read_rows(folder / IMAGES_FILE)}
    tested = [source for source in sources(dataset) if (source.dataset, source.name) in rows]
    entries = [
        _entry(folder, source, rows[source.dataset, source.name]) for source in track(tested, 'images on the page')
    ]
    write_gallery(folder / PAGE, 'Test', NOTE, entries, HIT_COLOURS, sorted_by=HEADINGS['iou'], descending=False)


def _entry(folder: Path, source: Source, row: dict) -> Entry:
    """The row of an image on the page."""
    name = '/'.join(filter(None, (source.dataset, source.name)))
    mask = read_mask(folder, source)
    if mask is None:
        return Entry(name, failure='its mask is not there any more')
    image, forged = source.image(), mask > 127
    truth = source.truth(forged.shape) > 127
    # A metric at a resolution of its own leaves masks of another size.
    size = forged.shape[::-1]
    image = image if image.shape[:2] == forged.shape else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    if truth.shape != forged.shape:
        truth = cv2.resize(truth.astype('uint8'), size, interpolation=cv2.INTER_NEAREST) > 0
    forged_only = {'iou', 'forged_f1', 'auc'}
    values = {
        heading: None if row['is_pristine'] and key in forged_only else row[key] for key, heading in HEADINGS.items()
    }
    views = [view(image, 'image', paint_hits(forged, truth))]
    return Entry(name, views, values, bool(forged.any()), f'{name}.png')
