"""The images that a test read, with their truth and the masks that it wrote."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from focal_mmseg.datasets.transforms.loading import read_forgery_mask
from focal_mmseg.utils import load_image, read_image


@dataclass(frozen=True)
class Source:
    """A test image.

    Attributes:
        dataset (str): Its set.
        name (str): Its name in the set.
        info (dict): What the data set knows of it, as :class:`ForgeryDataset` has it.
    """

    dataset: str
    name: str
    info: dict

    def image(self) -> np.ndarray:
        """The image, uint8 RGB of shape (H, W, 3)."""
        return cv2.cvtColor(load_image(self.info['img_path']), cv2.COLOR_BGR2RGB)

    def truth(self, size: Sequence[int]) -> np.ndarray:
        """The mask, uint8 of shape (H, W): 255 forged."""
        if self.info['seg_map_path'] is None:
            return np.zeros(size, np.uint8)
        options = (self.info['forged_is'], self.info['mask_threshold'])
        return read_forgery_mask(self.info['seg_map_path'], *options) * np.uint8(255)


def sources(dataset: Any) -> Iterator[Source]:
    """The images of a data set, or of one put together of several.

    Args:
        dataset (Any): A ForgeryDataset, or mmengine's ConcatDataset or RepeatDataset of such.
    """
    parts = getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]
    if parts != [None]:
        for part in parts:
            yield from sources(part)
        return
    for number in range(len(dataset)):
        info = dataset.get_data_info(number)
        yield Source(info['dataset_name'], info['image_name'], info)


def read_mask(folder: Path, source: Source) -> np.ndarray | None:
    """The mask that a test wrote, uint8 of shape (H, W); None where there is none."""
    return read_image(folder / source.dataset / f'{source.name}.png', cv2.IMREAD_GRAYSCALE)
