"""Evidence of the JPEG file alone: of the network's JPEG stream, and of the histograms of the coefficients."""

import numpy as np
import torch
from torch import Tensor

from focal_mmseg.apis.embeddings import EmbeddedImage
from focal_mmseg.clustering import EvidenceGate, PristineCentreClusterer

# Low frequencies, by their place in a block's rows: the nine of the shortest zigzag ways without the mean.
FREQUENCIES = (1, 8, 16, 9, 2, 3, 10, 17, 24)
# Periods of a histogram that are tried. 1 is that of a single compression.
PERIODS = range(1, 13)
# Larger coefficients are few, and none is looked at.
LARGEST = 60
# Fewer peaks than these are those of chance.
LEAST_EXCESS = 0.15
# Added to each count of a histogram: a value that occurs once proves little.
PRIOR = 0.5


def stream_points(image: EmbeddedImage) -> Tensor:
    """The JPEG stream's map as clusterers take it, (h w, C').

    Raises:
        ValueError: If the image has none.
    """
    if image.jpeg_stream is None:
        raise ValueError(f'{image.name}: its file has no JPEG stream: write it by embed.py --jpeg')
    return image.jpeg_stream.flatten(1).T.contiguous()


def stream_evidence(image: EmbeddedImage) -> Tensor:
    """The gate's evidence on the JPEG stream alone, by a robust pristine centre of its own, (h w,)."""
    points = stream_points(image)
    return EvidenceGate().evidence(points, PristineCentreClusterer().localise(points).labels)


def stream_distance(image: EmbeddedImage) -> Tensor:
    """1 - cosine to the robust pristine centre of the JPEG stream, (h w,)."""
    points = stream_points(image)
    return (1 - points @ PristineCentreClusterer().pristine_centre(points)).clamp(min=0)


def find_period(counts: np.ndarray) -> int:
    """How far the peaks of a histogram lie from each other; 1 where it has no gaps between them.

    Args:
        counts (np.ndarray): Of the values -LARGEST..LARGEST.
    """
    # By how much the multiples of a period have more than their share: 0 of none, 1 where no other value occurs.
    excess = {1: LEAST_EXCESS}
    for period in PERIODS[1:]:
        share = counts[LARGEST % period :: period].sum() / counts.sum()
        excess[period] = (share - 1 / period) / (1 - 1 / period)
    # The peaks of a period are among those of its divisors too.
    return max(period for period in PERIODS if excess[period] >= 0.9 * max(excess.values()))


def double_compression(image: EmbeddedImage) -> Tensor:
    """How little each block fits the traces of a first compression that the rest of the image has, (h w,).

    A second compression leaves peaks and gaps in the histogram of a frequency, at a period. Forged blocks lack them:
    there a value is as likely as its neighbours within the period. The logarithms of the odds are summed over
    frequencies.

    Returns:
        Tensor: float32 in [0, 1]: the posterior of a block being forged, from even odds.

    Source:
        Lin, He, Tang and Tang, Pattern Recognition 2009, whose posterior this is, with a simpler search for the period.

    Raises:
        ValueError: If the image has no coefficients.
    """
    if image.coefficients is None:
        raise ValueError(f'{image.name}: its file has no coefficients: write them by embed.py --jpeg')
    values = image.coefficients.flatten(1).numpy().astype(int)
    odds = np.zeros(values.shape[1])
    for frequency in FREQUENCIES:
        own = values[frequency].clip(-LARGEST, LARGEST)
        counts = np.bincount(own + LARGEST, minlength=2 * LARGEST + 1) + PRIOR
        # Zeros are the most of any histogram, and prove nothing.
        counts[LARGEST] = counts[LARGEST - 1 : LARGEST + 2 : 2].mean()
        period = find_period(counts)
        if period > 1:
            # The values that are nearest to one multiple of the period.
            sums = np.convolve(counts, np.ones(period), 'same')
            odds += np.where((own == 0) | (abs(own) == LARGEST), 0, np.log(sums / counts / period)[own + LARGEST])
    return torch.from_numpy(1 / (1 + np.exp(-odds))).float()
