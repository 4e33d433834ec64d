"""Images of four sets as four social networks passed them on (IF-OSN)."""

from collections.abc import Callable, Iterator
from pathlib import Path

from .base import DataSet, ReleasedImage, files
from .casia_names import match_names

SETS = ('casia', 'columbia', 'dso', 'nist')
NETWORKS = ('facebook', 'weibo', 'wechat', 'whatsapp')


def find(source: Path, _: Callable[[str], None]) -> Iterator[ReleasedImage]:
    """``<Set>_<Network>/*.jpg`` with ``<Set>_GT/<stem>_gt.png``; the kind is the folder's name."""
    for name in SETS:
        masks = {path.stem[: -len('_gt')]: path for path in files(source, f'{name}_gt/*_gt.png')}
        for network in NETWORKS:
            images = list(files(source, f'{name}_{network}/*.jpg', f'{name}_{network}/*.png'))
            # CASIA's names are old ones or corrected ones here too.
            names = match_names((image.stem for image in images), masks)
            for image in images:
                stem, rule = names.get(image.stem, (image.stem, ''))
                mask = masks.get(stem, source / f'{name}_GT' / f'{image.stem}_gt.png')
                yield ReleasedImage(image, (mask,), f'{name}-{network}', renamed=rule)


OSN = DataSet(
    'osn',
    'Forgeries through social networks (Wu et al., CVPR 2022)',
    '{Casia,Columbia,DSO,NIST}_{Facebook,Weibo,Wechat,Whatsapp}/*.jpg, {...}_GT/*_gt.png',
    {
        f'{name}-{network}': number
        for name, number in zip(SETS, (920, 160, 100, 564), strict=True)
        for network in NETWORKS
    },
    find,
    # Networks make images smaller whose sides are above 2048 pixels; the masks stay.
    wrong_size='proportional',
)
