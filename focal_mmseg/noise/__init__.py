"""Local noise levels of images without any training: numpy, SciPy and OpenCV alone."""

from .kurtosis import closed_form, kurtosis_noise_level, kurtosis_noise_map, window_statistics
from .levels import TwoLevels, two_levels
from .pca import blockwise_noise_map, pca_noise_level

__all__ = [
    'TwoLevels',
    'blockwise_noise_map',
    'closed_form',
    'kurtosis_noise_level',
    'kurtosis_noise_map',
    'pca_noise_level',
    'two_levels',
    'window_statistics',
]
