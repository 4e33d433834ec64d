"""An offline stand-in for what social networks do to a picture."""

import cv2
import numpy as np
from mmseg.registry import TRANSFORMS

from .degrade_by_resize import scaled
from .jpeg_compression import CompressingTransform, encode
from .picture_transform import as_picture, require, require_whole


@TRANSFORMS.register_module()
class SimulatedSocialNetwork(CompressingTransform):
    """A SIMULATION of a transmission over a social network; no network was measured for it.

    Three steps, after what is published of Facebook (Wu et al. 2022): a picture with a side above ``longest`` is
    resized, a filter enhances it, and JPEG compresses it at a quality that depends on the content. The published steps
    have no numbers but 2048 and 71..95; filter and rule here are ours: an unsharp mask, and the highest quality of the
    range whose file keeps to a budget of bits, so that a busy picture is compressed more than a smooth one.

    Args:
        longest (int): Longest side that passes, in pixels. Defaults to 2048.
        enhancement (float): Share of the fine grain (what a Gaussian blur of 1 pixel takes) that is added, at least 0.
            Defaults to 0.2.
        quality (tuple[int, int]): Lowest and highest quality. Defaults to (71, 95).
        bits (float): The budget, bits of the file a pixel. Defaults to 2.
        seed (int, optional): Accepted as everywhere; nothing is drawn.

    Raises:
        ValueError: If an option is out of its range.
    """

    def __init__(
        self,
        longest: int = 2048,
        enhancement: float = 0.2,
        quality: tuple[int, int] = (71, 95),
        bits: float = 2.0,
        seed: int | None = 0,
    ) -> None:
        super().__init__(seed)
        low, high = quality
        self.longest = require_whole('longest', longest, 1)
        self.enhancement = require('enhancement', enhancement, 0)
        self.quality = require_whole('quality', (low, high), 1, 100)
        self.bits = require('bits', bits, 0, above=True)

    def compress(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the file that comes out of the simulation."""
        longest = max(image.shape[:2])
        if longest > self.longest:
            size = scaled(image.shape, self.longest / longest)
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        values = image.astype(np.float32)
        image = as_picture(values + self.enhancement * (values - cv2.GaussianBlur(values, (0, 0), 1.0)))
        return self._within_budget(image)

    def _within_budget(self, image: np.ndarray) -> np.ndarray:
        """The file of the highest quality within the budget, else of the lowest, by bisection."""
        budget = self.bits * image.shape[0] * image.shape[1] / 8
        low, high = self.quality
        best = encode(image, low)
        while low < high:
            middle = (low + high + 1) // 2
            content = encode(image, middle)
            if len(content) <= budget:
                low, best = middle, content
            else:
                high = middle - 1
        return best
