"""IMD2020: manipulated images of the web with their originals."""

from collections.abc import Callable, Iterator
from pathlib import Path

from .base import DataSet, ReleasedImage, files


def find(source: Path, _: Callable[[str], None]) -> Iterator[ReleasedImage]:
    """``<id>/<name>.{jpg,png}`` with ``<id>/<name>_mask.png``, ``<id>/<id>_orig.jpg``."""
    for image in files(source, '*.jpg', '*.jpeg', '*.png'):
        name = f'{image.parent.name}/{image.stem}'
        if image.stem.endswith('_mask'):
            continue
        if image.stem.endswith('_orig'):
            yield ReleasedImage(image, kind='pristine', name=name)
        else:
            yield ReleasedImage(image, (image.with_name(f'{image.stem}_mask.png'),), 'tampered', name)


IMD2020 = DataSet(
    'imd2020',
    'IMD2020, real-life manipulated images (Novozamsky et al., WACVW 2020)',
    '<id>/<name>.jpg, <id>/<name>_mask.png, <id>/<id>_orig.jpg',
    {'tampered': 2010, 'pristine': 414},
    find,
    # Its mask has another size.
    known=('z14/00030_fake.jpg',),
    accepted=(2009, 2010),
)
