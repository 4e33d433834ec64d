"""What the transforms of images share: where chance comes from, ranges, masks in step."""

import hashlib
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path

import numpy as np
from mmcv.transforms import BaseTransform

from ..validators import Range

Warp = Callable[[np.ndarray, bool], np.ndarray]


class ImageTransform(BaseTransform):
    """A change of the image's values that leaves masks alone.

    Every number that a subclass takes may be a pair ``(low, high)``, of which one is drawn for each image.

    Required and modified key: ``img``, uint8 of shape (H, W, 3), BGR, or (H, W). Modified key: ``img_shape``. Added
    key: ``jpeg`` (bytes | None), the file that the changed image was decoded from; None where it comes from no JPEG
    file.

    Args:
        seed (int, optional): What is drawn depends on this number, the class and the image's name only: a test
            gives the same in any order, worker and folder. None draws anew each time from numpy's global generator, for
            a training. Defaults to 0.
    """

    def __init__(self, seed: int | None = 0) -> None:
        self.seed = seed

    def transform(self, results: dict) -> dict:
        """Replace ``img``.

        Raises:
            ValueError: If the image has other values than 8 bits.
        """
        image = results['img']
        if image.dtype != np.uint8:
            raise ValueError(
                f'{type(self).__name__} needs an image of 8 bits, got {image.dtype}: put it right behind the loading'
            )
        results['img'], results['jpeg'] = self.change_with_file(image, self.generator(results))
        results['img_shape'] = results['img'].shape[:2]
        return results

    def change_with_file(self, image: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, bytes | None]:
        """Give the changed image, and the JPEG file that it was decoded from, if the change ends with a compression."""
        return np.ascontiguousarray(self.change(image, rng)), None

    @abstractmethod
    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the changed image.

        Args:
            image (np.ndarray): uint8 of shape (H, W, 3), BGR, or (H, W); not to be written to.
            rng (np.random.Generator): Source of chance.

        Returns:
            np.ndarray: uint8.
        """

    def generator(self, results: dict) -> np.random.Generator:
        """The source of chance for one image."""
        if self.seed is None:
            return np.random.default_rng(np.random.randint(2**32, dtype=np.uint32))
        # The name in the data set: the folder that the set lies in must not count.
        name = results.get('image_name') or Path(results.get('img_path') or '').name
        digest = hashlib.sha256(f'{type(self).__name__}\n{name}'.encode()).digest()
        return np.random.default_rng([self.seed, int.from_bytes(digest[:16], 'little')])

    def __repr__(self) -> str:
        options = ', '.join(f'{key}={value!r}' for key, value in vars(self).items())
        return f'{type(self).__name__}({options})'


class GeometryTransform(ImageTransform):
    """A change of where pixels are: masks go with the image, by the nearest pixel.

    Required and modified keys: ``img``, uint8 of shape (H, W, 3), and the masks of ``seg_fields``. Modified key:
    ``img_shape``. It is meant for trainings.

    Args:
        seed (int, optional): See :class:`ImageTransform`. Defaults to None.
    """

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(seed)

    def transform(self, results: dict) -> dict:
        """Replace ``img`` and the masks.

        Raises:
            ValueError: If the mask is still to be loaded, or has another size than the image.
        """
        if results.get('seg_map_path') and 'gt_seg_map' not in results:
            raise ValueError(f'{type(self).__name__} must stand behind LoadForgeryMask, else the mask is left behind')
        shape = results['img'].shape[:2]
        warp = self.plan(shape, self.generator(results))
        for key in results.get('seg_fields', []):
            if results[key].shape != shape:
                raise ValueError(f'{type(self).__name__}: {key} is of shape {results[key].shape}, the image {shape}')
            results[key] = np.ascontiguousarray(warp(results[key], True))
        results['img'], results['jpeg'] = np.ascontiguousarray(warp(results['img'], False)), None
        results['img_shape'] = results['img'].shape[:2]
        return results

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the changed image."""
        return self.plan(image.shape[:2], rng)(image, False)

    @abstractmethod
    def plan(self, shape: tuple[int, int], rng: np.random.Generator) -> Warp:
        """Draw what will be done.

        Args:
            shape (tuple[int, int]): Height and width.
            rng (np.random.Generator): Source of chance.

        Returns:
            Warp: Takes an image, or a mask and True, and gives it changed.
        """


def draw(value: Range, rng: np.random.Generator) -> float:
    """The number itself, or one of the range, uniformly."""
    return float(rng.uniform(*value)) if isinstance(value, list | tuple) else float(value)


def draw_whole(value: Range, rng: np.random.Generator, step: int = 1) -> int:
    """The number itself, or one of the range, its ends too, uniformly.

    Args:
        value (Range): A whole number or a pair of them.
        rng (np.random.Generator): Source of chance.
        step (int): From one candidate to the next; 2 keeps odd ones odd. Defaults to 1.
    """
    if not isinstance(value, list | tuple):
        return int(value)
    return int(value[0] + step * rng.integers(int(value[1] - value[0]) // step + 1))


def scaled_size(shape: tuple[int, ...], factor: float) -> tuple[int, int]:
    """(width, height) of an image of that shape times a factor, at least 1 each."""
    return max(1, round(shape[1] * factor)), max(1, round(shape[0] * factor))
