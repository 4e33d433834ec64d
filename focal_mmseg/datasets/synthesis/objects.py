"""Masks of objects in photographs: COCO instances, or PNG files of labels."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import cv2
import numpy as np

from focal_mmseg.datasets.mask_files import MaskFolder
from focal_mmseg.utils import load_image

KEPT_IN_MEMORY = 64
SMALLEST_AREA = 16
COCO_KEYS = ('id', 'file_name', 'height', 'width')


@dataclass(frozen=True)
class ObjectMask:
    """The mask of an object in a photograph.

    Attributes:
        box (tuple[int, int, int, int]): Left, top, width and height, in the photograph's pixels.
        area (float): In the photograph's pixels.
        shape (tuple[int, int]): The photograph's height and width.
        render (Callable[[], np.ndarray]): Gives uint8 (height, width) of 0 and 1.
    """

    box: tuple[int, int, int, int]
    area: float
    shape: tuple[int, int]
    render: Callable[[], np.ndarray]


class ObjectMasks(Mapping[str, Sequence[ObjectMask]]):
    """Objects by the name of their photograph, out of a folder of annotations.

    Every ``*.json`` with ``images`` and ``annotations`` is read as COCO instances, whose ``file_name`` is a
    photograph's name, or its last part. A PNG file of the same relative name as a photograph holds a label a pixel: 0
    is background, every other value, or colour, an object.

    Args:
        folder (Path): With the annotations.
        photographs (Iterable[str]): Names relative to the folder of the photographs.

    Attributes:
        skipped (Counter): How many objects of COCO files were left out, by the reason.

    Raises:
        ValueError: If a JSON file cannot be read or lacks what COCO has of every image, or there is no object for any
            photograph; names file or folder.
    """

    def __init__(self, folder: Path, photographs: Iterable[str]) -> None:
        names = sorted(photographs)
        self.skipped: Counter[str] = Counter()
        self._objects: dict[str, list[ObjectMask]] = {}
        for path in sorted(folder.rglob('*.json')):
            self._read_coco(path, _index_names(names))
        labels = MaskFolder(folder, '.png')
        self._labels = {name: folder / labels.name_for(name) for name in names if name not in self._objects}
        self._labels = {name: path for name, path in self._labels.items() if path.is_file()}
        if not self._objects and not self._labels:
            raise ValueError(f'{folder} holds no mask of an object in any of the {len(names)} photographs')

    def __getitem__(self, name: str) -> Sequence[ObjectMask]:
        return self._objects[name] if name in self._objects else label_objects(self._labels[name])

    def __contains__(self, name: object) -> bool:
        # Mapping's own would read the photograph's masks.
        return name in self._objects or name in self._labels

    def __iter__(self) -> Iterator[str]:
        yield from self._objects
        yield from self._labels

    def __len__(self) -> int:
        return len(self._objects) + len(self._labels)

    def _read_coco(self, path: Path, names: Mapping[str, str]) -> None:
        """Add the objects of a COCO file; other JSON files count for nothing."""
        try:
            content = json.loads(path.read_text(encoding='utf-8'))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f'cannot read {path}: {error}') from error
        if not isinstance(content, Mapping) or not {'images', 'annotations'} <= set(content):
            return
        for image in content['images']:
            lacking = [key for key in COCO_KEYS if key not in image]
            if lacking:
                raise ValueError(f'{path}: the image {image.get("file_name", image)} has no {", ".join(lacking)}')
        images = {image['id']: image for image in content['images']}
        for annotation in content['annotations']:
            image = images.get(annotation.get('image_id'))
            name = image and names.get(image['file_name'], names.get(Path(image['file_name']).name))
            if not image or not name:
                self.skipped['of no photograph'] += 1
                continue
            found = coco_object(annotation.get('segmentation'), (image['height'], image['width']))
            if isinstance(found, str):
                self.skipped[found] += 1
            else:
                self._objects.setdefault(name, []).append(found)


def _index_names(names: Sequence[str]) -> dict[str, str]:
    """Photographs by their name, and by its last part where only one has it."""
    last = Counter(Path(name).name for name in names)
    return {Path(name).name: name for name in names if last[Path(name).name] == 1} | {name: name for name in names}


def coco_object(segmentation: object, shape: tuple[int, int]) -> ObjectMask | str:
    """An object of a COCO segmentation, or why it is left out.

    Args:
        segmentation (object): Polygons, or a run-length code where pycocotools is installed.
        shape (tuple[int, int]): Height and width of the photograph.
    """
    if isinstance(segmentation, Mapping):
        return _run_length_object(segmentation, shape)
    if not isinstance(segmentation, list) or not segmentation:
        return 'without a mask'
    polygons = [np.array(polygon, np.float64).reshape(-1, 2) for polygon in segmentation if len(polygon) >= 6]
    if not polygons:
        return 'without a mask'
    area = sum(cv2.contourArea(polygon.astype(np.float32)) for polygon in polygons)
    every = np.concatenate(polygons)
    low = np.maximum(np.floor(every.min(0)), 0).astype(int)
    high = np.minimum(np.ceil(every.max(0)) + 1, shape[::-1]).astype(int)
    if area < SMALLEST_AREA or (high <= low).any():
        return 'too small'
    left, top, width, height = (int(value) for value in (*low, *(high - low)))
    corners = [np.round(polygon - low).astype(np.int32) for polygon in polygons]
    return ObjectMask((left, top, width, height), area, shape, partial(_filled, corners, (height, width)))


def _filled(polygons: list[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    for polygon in polygons:
        cv2.fillPoly(mask, [polygon], 1)
    return mask


def _run_length_object(segmentation: Mapping, shape: tuple[int, int]) -> ObjectMask | str:
    try:
        from pycocotools import mask as coder
    except ImportError:
        return 'run-length code without pycocotools'
    code = segmentation
    if isinstance(segmentation['counts'], list):
        code = coder.frPyObjects(segmentation, *shape)
    left, top, width, height = (int(value) for value in coder.toBbox(code))
    area = float(coder.area(code))
    if area < SMALLEST_AREA or not width or not height:
        return 'too small'
    inside = np.s_[top : top + height, left : left + width]
    return ObjectMask((left, top, width, height), area, shape, partial(_decoded, code, inside))


def _decoded(code: object, inside: tuple[slice, slice]) -> np.ndarray:
    from pycocotools import mask as coder

    return np.ascontiguousarray(coder.decode(code)[inside])


@lru_cache(KEPT_IN_MEMORY)
def label_objects(path: Path) -> list[ObjectMask]:
    """The objects of a PNG file of labels.

    Raises:
        ValueError: If it cannot be read; names the file.
    """
    try:
        labels = load_image(path, cv2.IMREAD_UNCHANGED)
    except ValueError as error:
        raise ValueError(f'cannot read {path}: {error}') from error
    if labels.ndim == 3:
        labels = labels[..., :3].astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])
    _, numbers, counts = np.unique(labels, return_inverse=True, return_counts=True)
    numbers = numbers.reshape(labels.shape).astype(np.int32)
    values = np.unique(labels)
    found = []
    for number, (value, area) in enumerate(zip(values, counts, strict=True)):
        if value and area >= SMALLEST_AREA:
            left, top, width, height = box = cv2.boundingRect((numbers == number).astype(np.uint8))
            found.append(
                ObjectMask(
                    (left, top, width, height), float(area), labels.shape, partial(_labelled, numbers, number, box)
                )
            )
    return found


def _labelled(numbers: np.ndarray, number: int, box: Sequence[int]) -> np.ndarray:
    left, top, width, height = box
    return (numbers[top : top + height, left : left + width] == number).astype(np.uint8)
