"""Pages of HTML: each is one file that needs no other file and no network.

The templates are in ``focal_mmseg/templates``: ``base.html.j2`` has the style and the frame, ``macros.html.j2`` what
several pages show. Texts are escaped where they stand in a template.
"""

import base64
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from .files import atomic_write

MIME_TYPES = {'.png': 'image/png', '.jpg': 'image/jpeg', '.jpeg': 'image/jpeg', '.webp': 'image/webp'}


def write_page(path: Path, template: str, **content: Any) -> None:
    """Fill a template in, and write the page.

    Args:
        path (Path): The HTML file.
        template (str): A file of ``focal_mmseg/templates``, as ``'comparison.html.j2'``.
        **content (Any): What it shows.

    Raises:
        jinja2.UndefinedError: If the template shows something that is not in ``content``.
    """
    text = environment().get_template(template).render(**content)
    with atomic_write(path) as part:
        # Names of files may hold bytes that are no text.
        part.write_text(text, encoding='utf-8', errors='xmlcharrefreplace')


@cache
def environment() -> Environment:
    """Of the templates, with the filter ``data_uri``."""
    made = Environment(
        loader=PackageLoader('focal_mmseg'),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters['data_uri'] = data_uri
    return made


def data_uri(image: Path | np.ndarray, quality: int | None = None) -> str:
    """An image as an address that holds it.

    Args:
        image (Path | np.ndarray): A PNG, JPEG or WebP file, or uint8 pixels: RGB of shape (H, W, 3), RGBA of shape
            (H, W, 4) or grey of shape (H, W).
        quality (int, optional): Pixels become a JPEG of this quality, in 1..100. None makes a PNG of them.

    Raises:
        ValueError: If the file is of another kind.
    """
    if isinstance(image, Path):
        if image.suffix.lower() not in MIME_TYPES:
            raise ValueError(f'{image}: a page takes {", ".join(MIME_TYPES)}')
        kind, content = MIME_TYPES[image.suffix.lower()], image.read_bytes()
    else:
        turned = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
        pixels = image if image.ndim == 2 else cv2.cvtColor(image, turned[image.shape[2]])
        suffix, options = ('.png', []) if quality is None else ('.jpg', [cv2.IMWRITE_JPEG_QUALITY, quality])
        kind, content = MIME_TYPES[suffix], cv2.imencode(suffix, pixels, options)[1].tobytes()
    return f'data:{kind};base64,{base64.b64encode(content).decode("ascii")}'


def thumbnail(image: np.ndarray, longest: int) -> np.ndarray:
    """An image of any kind, no side of which is longer than so many pixels.

    Args:
        image (np.ndarray): Of shape (H, W) or (H, W, C).
        longest (int): In pixels; a smaller image stays as it is.

    Returns:
        np.ndarray: Of the same type and channels.
    """
    scale = longest / max(image.shape[:2])
    if scale >= 1:
        return image
    size = [max(1, round(side * scale)) for side in image.shape[1::-1]]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)
