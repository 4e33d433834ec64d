"""The qualitative grid of the papers: a row an image, a column a view."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from focal_mmseg.utils import atomic_write

from .figures import new_figure


def plot_grid(
    path: str | Path,
    rows: Sequence[Sequence[np.ndarray]],
    columns: Sequence[str],
    labels: Sequence[str],
    captions: Sequence[Sequence[str]] | None = None,
) -> None:
    """Draw the grid.

    Args:
        path (str | Path): The PNG to write.
        rows (Sequence[Sequence[np.ndarray]]): For each image its views: uint8 RGB (H, W, 3), or grey or score (H, W),
            of which uint8 runs from 0 to 255 and float from 0 to 1.
        columns (Sequence[str]): Heading of each view.
        labels (Sequence[str]): Name of each row.
        captions (Sequence[Sequence[str]], optional): What stands above each view, a row an image. Defaults to nothing.

    Raises:
        ImportError: If matplotlib is not installed.
    """
    figure = new_figure(2.2 * len(columns), 2.3 * len(rows))
    axes = figure.subplots(len(rows), len(columns), squeeze=False)
    for row, label, views in zip(axes, labels, rows, strict=True):
        for axis, view in zip(row, views, strict=True):
            is_score = view.ndim == 2 and view.dtype != np.uint8
            axis.imshow(view, cmap='inferno' if is_score else 'gray', vmin=0, vmax=1 if is_score else 255)
            axis.set(xticks=[], yticks=[])
        row[0].set_ylabel(label, fontsize=8)
    above = [list(each) for each in captions] if captions else [[''] * len(columns) for _ in rows]
    above[0] = [f'{column}\n{caption}'.strip() for column, caption in zip(columns, above[0], strict=True)]
    for axis, text in zip(axes.flat, chain.from_iterable(above), strict=True):
        axis.set_title(text, fontsize=9)
    with atomic_write(path) as part:
        figure.savefig(part, dpi=110)
