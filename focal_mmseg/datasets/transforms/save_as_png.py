"""An image saved anew without loss."""

import numpy as np
from mmseg.registry import TRANSFORMS

from .picture_transform import PictureTransform


@TRANSFORMS.register_module()
class SaveAsPNG(PictureTransform):
    """Take the image out of its JPEG file, as a PNG or a screenshot at full size does: pixels stay, coefficients go.

    Args:
        seed (int, optional): Accepted as everywhere; nothing is drawn.
    """

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the image as it is."""
        return image
