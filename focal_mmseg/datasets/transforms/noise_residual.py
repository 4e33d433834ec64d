"""The picture's fine grain in place of its content."""

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class NoiseResidual(BaseTransform):
    """Replace the picture by what a Gaussian blur takes from it, clipped.

    Traces of compression, noise and blur live in this residual, and little of the scene. It is meant for a network that
    starts from random weights and trains briefly, as the demo's; ImageNet weights were trained on the picture itself.

    Required and modified key: ``img``, uint8 (H, W, 3) to float32 (H, W, 3) in [-limit, limit].

    Args:
        sigma (float): Standard deviation of the blur, in pixels. Defaults to 1.
        limit (float): Residuals beyond it, in grey levels of 0..255, are clipped: edges of objects are larger than
            traces. Defaults to 20.

    Raises:
        ValueError: If an option is not positive.
    """

    def __init__(self, sigma: float = 1.0, limit: float = 20.0) -> None:
        if sigma <= 0 or limit <= 0:
            raise ValueError(f'sigma and limit must be positive, got {sigma} and {limit}')
        self.sigma = sigma
        self.limit = limit

    def transform(self, results: dict) -> dict:
        """Replace ``img``."""
        image = results['img'].astype(np.float32)
        residual = image - cv2.GaussianBlur(image, (0, 0), self.sigma)
        results['img'] = residual.clip(-self.limit, self.limit)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(sigma={self.sigma}, limit={self.limit})'
