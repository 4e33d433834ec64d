"""The images of an index, of a folder, or of the data sets of a config."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS

from focal_mmseg.datasets.exchange import read_mvss
from focal_mmseg.datasets.index import drop_repeats, name_below, read_index
from focal_mmseg.datasets.mask_files import MaskFolder
from focal_mmseg.datasets.wrapped import iter_dataset_configs
from focal_mmseg.utils import read_config, search_images

PARTS = ('train', 'val', 'test')
LISTS = ('.tsv', '.txt', '.csv', '.jsonl')


@dataclass(frozen=True)
class Entry:
    """An image with what a data set says of it.

    Attributes:
        part (str): ``'train'``, ``'val'`` or ``'test'``.
        dataset (str): Its set.
        kind (str): As ``'splice'``, ``'pristine'`` or ''.
        image (str): Its file.
        mask (str | None): Its mask's file; None where none is named.
        forged_is (str): See :class:`ForgeryDataset`.
        mask_threshold (int): See :class:`ForgeryDataset`.
        pristine_without_mask (bool): See :class:`ForgeryDataset`.
        listed (bool): Whether a list names the image and its mask, not a folder alone.
    """

    part: str
    dataset: str
    kind: str
    image: str
    mask: str | None
    forged_is: str = 'white'
    mask_threshold: int = 127
    pristine_without_mask: bool = False
    listed: bool = False


def list_entries(
    source: str | Path, part: str = 'test', root: str | Path | None = None
) -> tuple[list[Entry], list[str]]:
    """List the images of a source; no file of theirs is read.

    Args:
        source (str | Path): An index (see :func:`read_index`) with ``images`` and ``masks`` beside it, a folder that
            holds these two or an index, or a config (``.py``), whose parts are taken as it names them. A warning counts
            files in a folder of images that are none.
        part (str): Of an index or a folder. Defaults to ``'test'``.
        root (str | Path, optional): The folder that an index file names images and masks in, as of a list that
            tools/convert_list.py imported. Defaults to ``images`` and ``masks`` beside the index.

    Returns:
        tuple[list[Entry], list[str]]: The images, and what could not be listed.

    Raises:
        FileNotFoundError: If there is no such source.
        ValueError: If it is none of the three, or a list of another project, or the index cannot be read.
    """
    source = Path(source)
    if not source.exists():
        raise FileNotFoundError(f'{source} does not exist')
    if source.suffix == '.py':
        return _list_config(source)
    if source.is_dir() and (source / 'index.tsv').is_file():
        return list(_list_index(source / 'index.tsv', part, None)), []
    if source.suffix.lower() in LISTS:
        return list(_list_index(source, part, root)), []
    if (source / 'images').is_dir():
        return list(_list_folder(source, part)), []
    raise ValueError(
        f'{source} is no config (.py), no index ({", ".join(LISTS)}), and no folder with index.tsv or images'
    )


def _list_index(path: Path, part: str, root: str | Path | None) -> Iterator[Entry]:
    _refuse_list_of_mvss(path)
    images, masks = (path.parent / 'images', path.parent / 'masks') if root is None else (Path(root), Path(root))
    if not images.is_dir():
        raise ValueError(f'{images}, the images of {path}, does not exist: of an imported list give --root')
    for row in drop_repeats(path, read_index(path)):
        mask = str(masks / name_below(masks, row.mask)) if row.mask else None
        name = row.dataset or Path(root or path.parent).resolve().name
        yield Entry(part, name, row.kind, str(images / name_below(images, row.image)), mask, listed=True)


def _refuse_list_of_mvss(path: Path) -> None:
    """Tell a list of words from an index, which has tabs or a name a line."""
    if path.suffix != '.txt' or '\t' in path.read_text(encoding='utf-8', errors='replace'):
        return
    try:
        pairs = read_mvss(path)
    except ValueError:
        return
    if pairs:
        raise ValueError(f'{path} is a list of MVSS-Net: make an index of it by tools/convert_list.py')


def _list_folder(folder: Path, part: str) -> Iterator[Entry]:
    found = search_images(folder / 'images')
    if found.left_out:
        warnings.warn(found.describe_left_out(), stacklevel=2)
    masks = MaskFolder(folder / 'masks', '.png')
    for image in found.paths:
        name = image.relative_to(folder / 'images')
        kind = name.parts[0] if len(name.parts) > 1 else ''
        mask = folder / 'masks' / masks.name_for(name.as_posix())
        yield Entry(part, folder.name, kind, str(image), str(mask))


def _list_config(path: Path) -> tuple[list[Entry], list[str]]:
    cfg = read_config(path)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    found: list[Entry] = []
    failures: list[str] = []
    seen: list[Any] = []
    for part in PARTS:
        dataset = (cfg.get(f'{part}_dataloader') or {}).get('dataset')
        # A config often tests on what it validates on.
        if not dataset or dataset in seen:
            continue
        seen.append(dataset)
        for each in iter_dataset_configs(dataset):
            try:
                found += _list_dataset(each, part)
            except (OSError, ValueError) as error:
                failures.append(f'{part}: {error}')
    return found, failures


def _list_dataset(cfg: Any, part: str) -> Iterator[Entry]:
    # What the pipeline needs is of no matter here.
    dataset = DATASETS.build({**cfg, 'pipeline': []})
    for number in range(len(dataset)):
        info = dataset.get_data_info(number)
        yield Entry(
            part,
            info['dataset_name'],
            info['kind'],
            info['img_path'],
            info['seg_map_path'],
            info['forged_is'],
            info['mask_threshold'],
            dataset.pristine_without_mask,
            bool(dataset.ann_file),
        )
