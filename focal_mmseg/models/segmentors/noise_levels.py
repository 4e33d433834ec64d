"""The two training-free rows of table 1: forged is where the noise has another level."""

import cv2
import numpy as np
from mmseg.registry import MODELS

from focal_mmseg.noise import blockwise_noise_map, kurtosis_noise_map, two_levels
from focal_mmseg.noise.levels import require_trim
from focal_mmseg.noise.pca import TRIM

from .as_loaded import ScoringSegmentor

CELL = 32  # Pixels a side of a cell of PCA-NOI.
# A cell that is called pristine against its score stops just short of 1/2, as a point of a clusterer does.
SHORT_OF_HALF = 0.499


@MODELS.register_module()
class LyuNOI(ScoringSegmentor):
    """Noise levels from the kurtosis of band-passed images (Lyu, Pan and Zhang, IJCV 2014), in two clusters.

    The smaller cluster is forged. There always are two, so that a pristine image gets a forged area too. The noise is
    that of the luminance. K-means on the standard deviations is ours, as for :class:`PCANOI`.

    Args:
        window (int): Side of the square over which a level is taken, in pixels, at least 2. Defaults to 32.
        step (int): Distance of the levels, in pixels, at least 1; between them scores are bilinear. Defaults to 4.
        size (int): Side of the DCT's filters, at least 2. Defaults to 8.
        trim (float): Share of the levels, the highest, that cannot be a cluster, in [0, 1); see
            :func:`.levels.two_levels`. Defaults to 0.
        train_cfg (None): See :class:`ScoringSegmentor`.
        pretrained (None): See :class:`ScoringSegmentor`.

    Raises:
        ValueError: If an option is out of its range.
    """

    def __init__(
        self,
        window: int = 32,
        step: int = 4,
        size: int = 8,
        trim: float = 0.0,
        train_cfg: None = None,
        pretrained: None = None,
    ) -> None:
        super().__init__(train_cfg, pretrained)
        if window < 2 or step < 1 or size < 2:
            raise ValueError(f'window and size must be at least 2 and step at least 1, got {window}, {size} and {step}')
        require_trim(trim)
        self.window = window
        self.step = step
        self.size = size
        self.trim = trim

    def score(self, image: np.ndarray, meta: dict) -> np.ndarray:
        """See :meth:`ScoringSegmentor.score`."""
        levels = kurtosis_noise_map(_grey(image), self.window, self.step, self.size)
        score = two_levels(levels, self.trim).score
        whole = cv2.resize(score, None, fx=self.step, fy=self.step, interpolation=cv2.INTER_LINEAR)
        return whole[: image.shape[0], : image.shape[1]]


@MODELS.register_module()
class PCANOI(ScoringSegmentor):
    """Noise levels from principal components, in blocks (Zeng, Zhan, Kang and Lin, MTAP 2017), in two clusters.

    The smaller cluster is forged. There always are two, so that a pristine image gets a forged area too, unless its
    regions are all small. The noise is that of the luminance; scores are one a cell of 32x32 pixels.

    Args:
        least_cells (int): Forged regions of fewer cells, corners touch too, are called pristine; 1 keeps all.
            Defaults to 4, as in the authors' released code.
        trim (float): Share of the levels, the highest, that cannot be a cluster, in [0, 1): a noisier region of a
            smaller share of the image is not found. Defaults to 0.05, as in the authors' released code.
        train_cfg (None): See :class:`ScoringSegmentor`.
        pretrained (None): See :class:`ScoringSegmentor`.

    Raises:
        ValueError: If an option is out of its range.
    """

    def __init__(
        self, least_cells: int = 4, trim: float = TRIM, train_cfg: None = None, pretrained: None = None
    ) -> None:
        super().__init__(train_cfg, pretrained)
        if least_cells < 1:
            raise ValueError(f'least_cells must be at least 1, got {least_cells}')
        require_trim(trim)
        self.least_cells = least_cells
        self.trim = trim

    def score(self, image: np.ndarray, meta: dict) -> np.ndarray:
        """See :meth:`ScoringSegmentor.score`."""
        score = two_levels(blockwise_noise_map(_grey(image), self.trim), self.trim).score
        forged = (score > 0.5).astype(np.uint8)
        _, regions, statistics, _ = cv2.connectedComponentsWithStats(forged, connectivity=8)
        small = statistics[regions, cv2.CC_STAT_AREA] < self.least_cells
        score = np.where(small, np.minimum(score, SHORT_OF_HALF), score)
        return score.repeat(CELL, 0).repeat(CELL, 1)[: image.shape[0], : image.shape[1]]


def _grey(image: np.ndarray) -> np.ndarray:
    """Luminance: not rounded, so that no noise is added."""
    return cv2.cvtColor(image.astype(np.float32), cv2.COLOR_BGR2GRAY).astype(np.float64)
