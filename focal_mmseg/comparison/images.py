"""The images of a report: what models make of the same photographs, side by side."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from focal_mmseg.datasets.tested_images import Source, read_mask
from focal_mmseg.utils import MAPS, atomic_write, read_image
from focal_mmseg.utils.pages import thumbnail
from focal_mmseg.visualization import plot_grid
from focal_mmseg.visualization.figures import new_figure

# Longest side of a view in a grid, in pixels: a report is one file.
LONGEST = 320


def spread_evenly(items: Sequence[Source], number: int) -> list[Source]:
    """So many of them, evenly from the first to the last."""
    places = np.unique(np.linspace(0, len(items) - 1, min(number, len(items))).round().astype(int))
    return [items[place] for place in places.tolist()]


def read_map(folder: Path, source: Source, name: str) -> np.ndarray | None:
    """A map of ``MAPS`` that a test wrote, float32 of shape (H, W) in [0, 1]; None where there is none."""
    levels = read_image(folder / name / source.dataset / f'{source.name}.png', cv2.IMREAD_UNCHANGED)
    return None if levels is None else levels.astype(np.float32) / 65535


def image_metrics(rows: Sequence[dict], metric: str) -> dict[tuple[str, str], float]:
    """A metric of each forged image that has it.

    Args:
        rows (Sequence[dict]): Of ``read_rows``.
        metric (str): A name of ``LOCALISATION_METRICS``.

    Returns:
        dict[tuple[str, str], float]: By the names of set and image.
    """
    forged = [row for row in rows if not row['is_pristine'] and not math.isnan(row[metric])]
    return {(row['dataset'], row['image']): row[metric] for row in forged}


def write_masks(
    path: Path,
    chosen: Sequence[Source],
    folders: Mapping[str, Path],
    values: Mapping[str, Mapping[tuple[str, str], float]],
    labels: Sequence[str] = (),
) -> None:
    """A row an image: input, truth, and one column a model, with a metric above each mask (figures 6 to 8).

    Behind a model's masks stands a column for each map of ``MAPS`` that it gave, as the confidence in the mask.

    Args:
        path (Path): The PNG to write.
        chosen (Sequence[Source]): The images, at least one.
        folders (Mapping[str, Path]): What ``tools/test.py --out`` wrote, by the model's name.
        values (Mapping[str, Mapping[tuple[str, str], float]]): The metric, by the model's name, as of
            :func:`image_metrics`.
        labels (Sequence[str]): Of the rows. Defaults to the images' names.
    """
    columns = list(_columns(chosen, folders))
    rows, captions = [], []
    for source in chosen:
        image = source.image()
        views, above = [image, source.truth(image.shape[:2])], ['', '']
        for model, name in columns:
            view = read_map(folders[model], source, name) if name else read_mask(folders[model], source)
            value = None if name else values[model].get((source.dataset, source.name))
            views.append(np.full(image.shape[:2], 127, np.uint8) if view is None else view)
            above.append('' if value is None else f'{value:.3f}')
        rows.append([thumbnail(view, LONGEST) for view in views])
        captions.append(above)
    heads = ('input', 'truth', *(f'{model}: {name}' if name else model for model, name in columns))
    plot_grid(path, rows, heads, labels or [source.name for source in chosen], captions)


def _columns(chosen: Sequence[Source], folders: Mapping[str, Path]) -> Iterator[tuple[str, str]]:
    """A model and '' for its masks, then the model and the name of each map that it gave of any of the images."""
    for model, folder in folders.items():
        yield model, ''
        for name in MAPS:
            if any(read_map(folder, source, name) is not None for source in chosen):
                yield model, name


def write_scatter(path: Path, first: tuple[str, Mapping], others: Mapping[str, Mapping], metric: str) -> None:
    """Each image's metric under two models, a panel each for the first model against another.

    Args:
        path (Path): The PNG to write.
        first (tuple[str, Mapping]): A model's name and its values by image.
        others (Mapping[str, Mapping]): The same of others, by name.
        metric (str): What the values are, for the axes.
    """
    name, values = first
    drawn = new_figure(3.4 * len(others), 3.6)
    for axis, (other, theirs) in zip(drawn.subplots(1, len(others), squeeze=False)[0], others.items(), strict=True):
        both = [key for key in values if key in theirs]
        across, up = np.array([values[key] for key in both]), np.array([theirs[key] for key in both])
        axis.plot([0, 1], [0, 1], color='0.7', linewidth=1)
        axis.scatter(across, up, s=12, alpha=0.6)
        better = np.count_nonzero(across > up), np.count_nonzero(across < up)
        axis.set_title(f'better {name}: {better[0]}\nbetter {other}: {better[1]}', fontsize=8)
        axis.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        axis.set_xlabel(f'{metric}, {name}', fontsize=8)
        axis.set_ylabel(f'{metric}, {other}', fontsize=8)
        axis.set_aspect('equal')
    with atomic_write(path) as part:
        drawn.savefig(part, dpi=110)
