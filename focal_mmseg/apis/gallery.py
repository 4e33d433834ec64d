"""A page of many images with what a model found in each: one file that works from disk."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan
from pathlib import Path
from urllib.parse import quote

import numpy as np

from focal_mmseg.utils.pages import data_uri, thumbnail, write_page
from focal_mmseg.utils.tables import number_text

# Longest side of a view in pixels, and the quality of its JPEG: 1,000 images take some 10 MB.
LONGEST, QUALITY = 224, 80
# RGB; they differ for colour-blind readers too (Okabe and Ito's palette).
FORGED = (213, 94, 0)
HIT, EXTRA, MISSED = (0, 158, 115), (213, 94, 0), (0, 114, 178)
HIT_COLOURS = {'found (TP)': HIT, 'false alarm (FP)': EXTRA, 'missed (FN)': MISSED}


@dataclass(frozen=True)
class View:
    """A small image, and what is laid over it.

    Attributes:
        image (str): A ``data:`` address.
        text (str): What it shows, for those who do not see it.
        mask (str): A ``data:`` address of what is laid over it; '' is nothing.
    """

    image: str
    text: str
    mask: str = ''


@dataclass(frozen=True)
class Entry:
    """A row of the page.

    Attributes:
        name (str): Of the image.
        views (Sequence[View]): Side by side.
        values (Mapping[str, float | None]): By the heading of their column; None where the image has none.
        is_marked (bool): Whether something is called forged in it.
        link (str): What the name leads to, relative to the page; '' is nothing.
        failure (str): Why there is no result; '' where there is one.
    """

    name: str
    views: Sequence[View] = ()
    values: Mapping[str, float | None] = field(default_factory=dict)
    is_marked: bool = False
    link: str = ''
    failure: str = ''


def view(image: np.ndarray, text: str, mask: np.ndarray | None = None) -> View:
    """Make a view of full-size arrays.

    Args:
        image (np.ndarray): uint8, RGB of shape (H, W, 3) or grey of shape (H, W).
        text (str): What it shows.
        mask (np.ndarray, optional): uint8 RGBA of shape (H, W, 4), laid over it.

    Returns:
        View: No side is longer than ``LONGEST``.
    """
    small = data_uri(thumbnail(image, LONGEST), QUALITY)
    return View(small, text, '' if mask is None else data_uri(thumbnail(mask, LONGEST)))


def paint(regions: Iterable[tuple[np.ndarray, tuple[int, int, int]]], size: tuple[int, int]) -> np.ndarray:
    """Colour regions of an image, and leave the rest transparent.

    Args:
        regions (Iterable[tuple[np.ndarray, tuple[int, int, int]]]): bool of shape (H, W), and the RGB colour of each.
        size (tuple[int, int]): H and W.

    Returns:
        np.ndarray: uint8 RGBA of shape (H, W, 4).
    """
    painted = np.zeros((*size, 4), np.uint8)
    for region, colour in regions:
        painted[region] = (*colour, 255)
    return painted


def paint_hits(mask: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Where a mask and the truth agree and differ, in the colours of ``HIT_COLOURS``.

    Args:
        mask (np.ndarray): bool of shape (H, W): called forged.
        truth (np.ndarray): bool of shape (H, W): forged.

    Returns:
        np.ndarray: uint8 RGBA of shape (H, W, 4).
    """
    return paint([(mask & truth, HIT), (mask & ~truth, EXTRA), (~mask & truth, MISSED)], mask.shape)


def write_gallery(
    path: Path,
    title: str,
    note: str,
    entries: Sequence[Entry],
    legend: Mapping[str, tuple[int, int, int]],
    sorted_by: str | None = None,
    descending: bool = True,
) -> None:
    """Write the page: a table that can be sorted and filtered, with a slider for the masks.

    Args:
        path (Path): The HTML file.
        title (str): Its heading.
        note (str): A paragraph.
        entries (Sequence[Entry]): The images. Those without a value of ``sorted_by`` come last.
        legend (Mapping[str, tuple[int, int, int]]): RGB colours of the masks, by what they mean.
        sorted_by (str, optional): The column that the page is sorted by at first. None keeps the order.
        descending (bool): Whether from high to low. Defaults to True.
    """
    columns = list(dict.fromkeys(column for entry in entries for column in entry.values))
    if sorted_by in columns:
        sign = -1 if descending else 1
        entries = sorted(entries, key=lambda entry: (_is_missing(entry, sorted_by), sign * _number(entry, sorted_by)))
    shown = [
        dict(
            name=entry.name,
            views=entry.views,
            cells=[_cell(entry.values.get(column)) for column in columns],
            is_marked=entry.is_marked,
            # Names of files may hold bytes that are no text.
            link=quote(os.fsencode(entry.link)),
            failure=entry.failure,
        )
        for entry in entries
    ]
    write_page(
        path,
        'gallery.html.j2',
        title=title,
        note=note,
        columns=columns,
        entries=shown,
        legend=[('rgb({}, {}, {})'.format(*colour), meaning) for meaning, colour in legend.items()],
        sorted_by=columns.index(sorted_by) if sorted_by in columns else None,
        descending=descending,
    )


def _is_missing(entry: Entry, column: str) -> bool:
    value = entry.values.get(column)
    return value is None or isnan(value)


def _number(entry: Entry, column: str) -> float:
    value = entry.values.get(column)
    return 0.0 if value is None or isnan(value) else float(value)


def _cell(value: float | None) -> tuple[str, str]:
    """What is shown, and what is sorted by."""
    text = number_text(value, 'd' if isinstance(value, int) else '.3f')
    return text, '' if value is None or isnan(value) else repr(float(value))
