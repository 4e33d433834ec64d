"""Noise levels without training, against noise that was planted; docs/notes/baselines.md has the tables.

White Gaussian noise is added to the grey levels of four photographs of scikit-image and scikit-learn, first all
over, then of another level in a rectangle of 179x150 pixels.

Example:
  python tools/benchmarks/noise_levels.py
"""

import argparse
from collections.abc import Callable

import cv2
import numpy as np
from sklearn.metrics import roc_auc_score

from focal_mmseg.datasets.synthesis import PACKAGED, load_packaged
from focal_mmseg.noise import (
    blockwise_noise_map,
    closed_form,
    kurtosis_noise_level,
    kurtosis_noise_map,
    pca_noise_level,
    two_levels,
    window_statistics,
)
from focal_mmseg.noise.pca import TRIM
from focal_mmseg.utils.tables import text_table

PHOTOGRAPHS = ('astronaut', 'chelsea', 'coffee', 'flower')
SIGMAS = (2, 5, 10, 15)
DIFFERENCES = ((0, 5), (0, 10), (2, 8), (8, 2))  # Around the rectangle, and in it.
LEVELS = {'kurtosis': kurtosis_noise_level, 'principal components': pca_noise_level}


def released_rule(grey: np.ndarray) -> np.ndarray:
    """The closed form with the fallback of the authors' released code: the harmonic mean of the bands' variances."""
    variances, kurtoses = (np.stack(each) for each in zip(*window_statistics(grey), strict=True))
    root, noise = closed_form(variances, kurtoses)
    root = np.nan_to_num(root)
    return np.sqrt(np.where((noise >= 0) & (root >= np.median(root)), noise, 1 / (1 / variances).mean(0)))


MAPS = {
    'kurtosis': kurtosis_noise_map,
    'kurtosis, filters of 4x4': lambda grey: kurtosis_noise_map(grey, size=4),
    'kurtosis, fallback as released': released_rule,
    'principal components': blockwise_noise_map,
}


def noisy(grey: np.ndarray, sigma: float | np.ndarray) -> np.ndarray:
    """The same noise for every method."""
    return (grey + np.random.default_rng(0).normal(size=grey.shape) * sigma).round().clip(0, 255)


def score_levels(levels: np.ndarray, mask: np.ndarray) -> tuple[float, float]:
    """IoU and AUC of a map of noise levels, trimmed as its segmentor does."""
    cell, trim = (32, TRIM) if levels.shape[0] * 8 < mask.shape[0] else (4, 0.0)
    score = two_levels(levels, trim).score.repeat(cell, 0).repeat(cell, 1)[: mask.shape[0], : mask.shape[1]]
    forged = score > 0.5
    return (forged & mask).sum() / (forged | mask).sum(), roc_auc_score(mask.ravel(), score.ravel())


def score_planted(method: Callable[[np.ndarray], np.ndarray], greys: dict[str, np.ndarray]) -> list[str]:
    """Mean IoU and AUC over the photographs, for each difference."""
    cells = []
    for around, inside in DIFFERENCES:
        scores = []
        for grey in greys.values():
            mask = np.zeros(grey.shape, bool)
            mask[grey.shape[0] // 4 :, grey.shape[1] // 4 + 13 :][:150, :179] = True
            scores.append(score_levels(method(noisy(grey, np.where(mask, inside, around))), mask))
        cells.append('{:.2f} / {:.2f}'.format(*np.mean(scores, 0)))
    return cells


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--photographs', nargs='+', default=PHOTOGRAPHS, choices=PACKAGED, help='default %(default)s')
    names = parser.parse_args().photographs
    greys = {name: cv2.cvtColor(load_packaged(name), cv2.COLOR_RGB2GRAY).astype(float) for name in names}
    rows = [
        [method, name, *(float(level(noisy(grey, sigma))) for sigma in SIGMAS)]
        for method, level in LEVELS.items()
        for name, grey in greys.items()
    ]
    print(text_table(['level found', 'photograph', *(f'of {sigma}' for sigma in SIGMAS)], rows, '.2f'), flush=True)
    rows = [[name, *score_planted(method, greys)] for name, method in MAPS.items()]
    print(text_table(['IoU / AUC of a rectangle', *(f'{inside} in {around}' for around, inside in DIFFERENCES)], rows))


if __name__ == '__main__':
    main()
