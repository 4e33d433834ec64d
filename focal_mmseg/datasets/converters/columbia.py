"""Columbia, the uncompressed colour set: splices between four cameras."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from .base import DataSet, ReleasedImage, files


def find(source: Path, _: Callable[[str], None]) -> Iterator[ReleasedImage]:
    """``4cam_splc/*.tif`` with ``4cam_splc/edgemask/<stem>_edgemask.jpg``, ``4cam_auth/*.tif``."""
    for image in files(source, '4cam_splc/*.tif'):
        yield ReleasedImage(image, (image.parent / 'edgemask' / f'{image.stem}_edgemask.jpg',), 'splice')
    for image in files(source, '4cam_auth/*.tif'):
        yield ReleasedImage(image, kind='pristine')


def green(masks: tuple[Path, ...]) -> np.ndarray:
    """Forged, bool (H, W), is what is greener than red: dark or bright, and through the noise of JPEG.

    Raises:
        OSError: If the file is truncated.
    """
    with Image.open(masks[0]) as image:
        colours = np.asarray(image.convert('RGB'))
    return colours[..., 1] > colours[..., 0]


COLUMBIA = DataSet(
    'columbia',
    'Columbia, uncompressed (Hsu and Chang, ICME 2006)',
    '4cam_auth/*.tif, 4cam_splc/*.tif, 4cam_splc/edgemask/*_edgemask.jpg',
    {'splice': 180, 'pristine': 183},
    find,
    green,
    # FOCAL tested on 160 of them.
    accepted=(160, 180),
)
