"""Coverage: copy-moves with similar but genuine objects."""

from collections.abc import Callable, Iterator
from pathlib import Path

from .base import DataSet, ReleasedImage, files


def find(source: Path, _: Callable[[str], None]) -> Iterator[ReleasedImage]:
    """``image/<n>t.tif`` is forged, ``image/<n>.tif`` the original, ``mask/<n>forged.tif`` the mask to use."""
    for image in files(source, 'image/*.tif'):
        number = image.stem.removesuffix('t')
        if image.stem == number:
            yield ReleasedImage(image, kind='pristine')
        else:
            yield ReleasedImage(image, (image.parents[1] / 'mask' / f'{number}forged.tif',), 'copy-move')


COVERAGE = DataSet(
    'coverage',
    'Coverage (Wen et al., ICIP 2016)',
    'image/<n>t.tif, image/<n>.tif, mask/<n>forged.tif',
    {'copy-move': 100, 'pristine': 100},
    find,
    # 27 of its files have masks of another size.
    wrong_size='nearest',
    accepted=(100,),
)
