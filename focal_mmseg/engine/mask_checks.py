"""The masks of a data set, looked at before a run: those that would come out empty say so at its start."""

import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.datasets.transforms import LoadAnnotations

from focal_mmseg.datasets import ForgeryDataset
from focal_mmseg.datasets.transforms.loading import FORGED_IS, THRESHOLD, LoadForgeryMask, read_forgery_mask
from focal_mmseg.datasets.wrapped import iter_datasets
from focal_mmseg.evaluation.pristine_sets import DECLARED, no_forged_pixel_message
from focal_mmseg.utils import ConfigError

# Masks of a training set that are looked at.
SAMPLED = 16
PRISTINE, FORGED, IGNORED = 0, 1, 255
REMEDY = "put dict(type='LoadForgeryMask') in its place in the pipeline"


def mask_loader(pipeline: Any) -> BaseTransform | None:
    """The transform of a pipeline that reads the mask file, inside others too; None where there is none known.

    Args:
        pipeline (Any): mmengine's ``Compose``, a transform, or a list of such.
    """
    if isinstance(pipeline, LoadForgeryMask | LoadAnnotations):
        return pipeline
    inner = pipeline if isinstance(pipeline, list | tuple) else None
    if inner is None:
        inner = getattr(pipeline, 'transforms', None) or getattr(pipeline, 'subroutines', None) or ()
    parts = inner if isinstance(inner, list | tuple) else [inner]
    return next((found for each in parts if (found := mask_loader(each)) is not None), None)


def require_masks_as_labels(dataset: Any, key: str) -> None:
    """Refuse mmseg's ``LoadAnnotations`` where it cannot mean what the mask files say.

    It reads the values of a file as labels: of masks in black and white every forged pixel is 255, which is left out of
    losses and metrics.

    Args:
        dataset (Any): Built; a wrapper of several too.
        key (str): Of its loader in the config, for the message.

    Raises:
        ConfigError: If masks have no forged pixel as labels but have ignored ones, or values that are no labels, or if
            the data set has images without a mask or black forgeries, which ``LoadAnnotations`` does not know.
    """
    for each in iter_datasets(dataset):
        loader = mask_loader(getattr(each, 'pipeline', None))
        if not isinstance(loader, LoadAnnotations):
            continue
        where = f"{key}.dataset.pipeline reads masks by mmseg's LoadAnnotations"
        if getattr(each, 'forged_is', 'white') != 'white':
            raise ConfigError(f'{where}, which does not know forged_is={each.forged_is!r}: {REMEDY}')
        infos = list(_infos(each))
        without = next((info for info in infos if info.get('seg_map_path', '') is None), None)
        if without:
            raise ConfigError(f'{where}, but {without["img_path"]} has no mask, which it cannot read: {REMEDY}')
        _require_labels(loader, infos[:: max(1, len(infos) // SAMPLED)], where)


def _require_labels(loader: LoadAnnotations, infos: list[dict], where: str) -> None:
    """Refuse masks that are no labels; see :func:`require_masks_as_labels`."""
    found: dict[int, str] = {}
    for info in infos:
        labels = _labels(loader, info)
        for value in () if labels is None else np.unique(labels).tolist():
            found.setdefault(value, info['seg_map_path'])
    others = sorted(set(found) - {PRISTINE, FORGED, IGNORED})
    if others:
        raise ConfigError(f'{where}, but {found[others[0]]} holds the value {others[0]}, which is no label: {REMEDY}')
    if IGNORED in found and FORGED not in found:
        raise ConfigError(
            f'{where}, which takes the white of {found[IGNORED]} for pixels to ignore (255), and none for forged (1): '
            f'{REMEDY}'
        )


def require_forged(dataset: Any, key: str) -> None:
    """Refuse a test set in which no mask has a forged pixel, unless its images are declared pristine.

    Declared are images of the kind ``'pristine'``, and those without a mask where the config names no folder of masks,
    or the list file no mask. Masks are read until the first forged pixel of each set.

    Args:
        dataset (Any): Built; a wrapper of several too.
        key (str): Of its loader in the config, for the message.

    Raises:
        ConfigError: If there is such a set.
    """
    forged: set[str] = set()
    pristine: dict[str, str] = {}
    for each in iter_datasets(dataset):
        loader = mask_loader(getattr(each, 'pipeline', None))
        if loader is None:
            return
        for info in _infos(each):
            name = info.get('dataset_name', '')
            if name in forged or _declared(info, each):
                continue
            labels = _labels(loader, info)
            # What cannot be read is named when it is its turn.
            if labels is None or (labels == FORGED).any():
                forged.add(name)
            else:
                pristine.setdefault(name, info['img_path'])
    for name, example in pristine.items():
        if name not in forged:
            raise ConfigError(no_forged_pixel_message(f'{key}{f", the set {name}" if name else ""}', example))


def _infos(dataset: Any) -> Iterator[dict]:
    """What a data set knows of its images, in an order of chance, so that a forged one is met soon."""
    order = list(range(len(dataset)))
    random.Random(0).shuffle(order)
    for index in order:
        yield dataset.get_data_info(index)


def _declared(info: Mapping[str, Any], dataset: Any) -> bool:
    """Whether a config says that an image is pristine."""
    if info.get('kind') == DECLARED:
        return True
    return info.get('seg_map_path', '') is None and not _names_masks(dataset)


def _names_masks(dataset: Any) -> bool:
    """Whether a data set has a folder of masks, in which each image could have one."""
    if not isinstance(dataset, ForgeryDataset) or dataset.ann_file:
        return False
    # mmengine makes the root of an empty prefix.
    folder, root = dataset.data_prefix.get('seg_map_path'), dataset.data_root
    return bool(folder) and not (root and Path(folder) == Path(root))


def _labels(loader: BaseTransform, info: dict) -> np.ndarray | None:
    """The labels of an image as a pipeline reads them; None if they cannot be read."""
    if info.get('seg_map_path') is None:
        return np.zeros((1, 1), np.uint8) if 'seg_map_path' in info else None
    try:
        if isinstance(loader, LoadForgeryMask):
            options = info.get('forged_is', FORGED_IS), info.get('mask_threshold', THRESHOLD)
            return read_forgery_mask(info['seg_map_path'], *options)
        return loader.transform(dict(info, seg_fields=[]))['gt_seg_map']
    except (OSError, ValueError):
        return None
