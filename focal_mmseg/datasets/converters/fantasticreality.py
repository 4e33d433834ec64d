"""FantasticReality: splices with masks in NumPy's files, a training set of CAT-Net and TruFor."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from focal_mmseg.utils.array_files import read_array

from .base import DataSet, Dropped, ReleasedImage, files

ARRAY = 'arr_0'
MASKS = 'SegmentationFake'


def find(source: Path, _: Callable[[str], None]) -> Iterator[ReleasedImage]:
    """``ColorFakeImages/*.jpg`` with ``SegmentationFake/<stem>.npz``, and ``ColorRealImages/*.jpg``."""
    for image in files(source, 'ColorFakeImages/*.jpg'):
        yield ReleasedImage(image, (image.parent.with_name(MASKS) / f'{image.stem}.npz',), 'splice')
    for image in files(source, 'ColorRealImages/*.jpg'):
        yield ReleasedImage(image, kind='pristine')


def above_zero(masks: tuple[Path, ...]) -> np.ndarray:
    """Forged, bool (H, W), is what is above 0: the array may number classes of objects.

    Raises:
        Dropped: If the file has no such array, or one of other than two dimensions.
    """
    try:
        found = read_array(masks[0], ARRAY)
    except ValueError as error:
        raise Dropped(f'its mask cannot be used: {error}') from error
    if found.ndim != 2 or found.dtype.kind not in 'biuf':
        raise Dropped(f'its mask {masks[0].name} holds {found.dtype} of shape {found.shape}, where one map is wanted')
    return found > 0


FANTASTICREALITY = DataSet(
    'fantasticreality',
    'FantasticReality (Kniaz et al., NeurIPS 2019)',
    'ColorFakeImages/*.jpg, SegmentationFake/<stem>.npz, ColorRealImages/*.jpg',
    # As CAT-Net's lists have them: what the release itself holds is not told there.
    {'splice': 18_098, 'pristine': 15_392},
    find,
    above_zero,
)
