"""Noise levels from the smallest principal component of small patches, block by block.

The level of a block is estimated as by Pyatykh, Hesser and Zheng (IEEE TIP 2013); the blocks of two sizes are joined
as by Zeng, Zhan, Kang and Lin (MTAP 2017). The numbers below are those of the authors' released code.
"""

import numpy as np

from .levels import two_levels

PATCH = 5  # Side of a patch, in pixels.
CLIPPED = 2  # A patch with more pixels at 0 or 255 is left out: 0.1 of its pixels.
SHARES = np.linspace(1, 0.1, 19)  # Of the patches, those of lowest variance, that are tried.
QUIET = 7  # The smallest eigenvalues that must be equal, up to chance, where nothing but noise is in them.
TOLERANCE = 49.0  # Their largest difference, in noise variances over the root of the patches.
BOUND_SHARE, BOUND_FACTOR = 0.0005, 3.1  # The noise has at most so many times the variance of the patch at this share.
ITERATIONS = 10
COARSE, FINE = 64, 32  # Sides of the blocks, in pixels.
COARSE_WEIGHT = 0.8
TRIM = 0.05  # Of the levels, see two_levels.


def pca_noise_level(grey: np.ndarray) -> float:
    """The noise level of an image or a block.

    The smallest eigenvalue of the patches' covariance is the noise's variance, if the patches without their noise lie
    in a subspace. So patches are left out from the highest variance down until the smallest eigenvalues are equal up to
    chance; as how far they may differ depends on the noise, this is repeated.

    Args:
        grey (np.ndarray): Grey levels in 0..255 of shape (H, W).

    Returns:
        float: Standard deviation of the noise, in grey levels; NaN where too little of the image is not clipped.
    """
    patches = _patches(grey)
    if len(patches) < PATCH**2 / SHARES[-1]:
        return np.nan
    spreads = patches.var(1)
    order = np.argsort(spreads, kind='stable')
    counts = np.round(SHARES * len(patches)).astype(int)
    eigenvalues = _eigenvalues(patches[order], counts)
    # Constant patches say nothing of the noise of the others.
    quietest = max(round(BOUND_SHARE * (len(patches) - 1)), int((spreads == 0).sum()))
    bound = BOUND_FACTOR * spreads[order][min(quietest, len(patches) - 1)]
    previous, variance = 0.0, bound
    for _ in range(ITERATIONS):
        if abs(previous - variance) < 1e-6:
            break
        previous, variance = variance, _next_estimate(eigenvalues, counts, variance, bound)
    return float(np.sqrt(max(variance, 0)))


def blockwise_noise_map(grey: np.ndarray, trim: float = TRIM) -> np.ndarray:
    """Noise levels of cells of 32x32 pixels, from blocks of 64x64 and of 32x32.

    A cell has 0.8 of its 64x64 block's level and 0.2 of its own; its own alone where its block borders on one on the
    other side of the blocks' two levels (Zeng et al.). Ours: the last row and column of blocks are moved into the
    image, where the authors cut the remainder off; a block whose pixels are clipped has the median of the 5x5 blocks
    around it, of 64x64 too, where the authors take the deviation of its grey levels.

    Args:
        grey (np.ndarray): Grey levels in 0..255 of shape (H, W).
        trim (float): Of the 64x64 blocks' levels, see :func:`two_levels`. Defaults to 0.05.

    Returns:
        np.ndarray: Standard deviations in grey levels, of shape (ceil(H / 32), ceil(W / 32)).

    Raises:
        ValueError: If the image is no plane, or ``trim`` is out of its range.
    """
    if grey.ndim != 2 or not grey.size:
        raise ValueError(f'expected a grey image (H, W), got {grey.shape}')
    fine = _filled(_block_levels(grey, FINE))
    coarse = _filled(_block_levels(grey, COARSE))
    suspicious = two_levels(coarse, trim).score > 0.5
    coarse, suspicious = (_doubled(each, fine.shape) for each in (coarse, suspicious))
    mixed = COARSE_WEIGHT * coarse + (1 - COARSE_WEIGHT) * fine
    return np.where(_borders(suspicious), fine, mixed)


def _patches(grey: np.ndarray) -> np.ndarray:
    """All overlapping patches that are not clipped, float64 of shape (P, 25)."""
    if min(grey.shape) < PATCH:
        return np.empty((0, PATCH**2))
    windows = np.lib.stride_tricks.sliding_window_view(grey.astype(np.float64), (PATCH, PATCH))
    patches = windows.reshape(-1, PATCH**2)
    return patches[((patches <= 0) | (patches >= 255)).sum(1) <= CLIPPED]


def _eigenvalues(patches: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Ascending eigenvalues (S, 25) of the covariance of the first patches, for each of the falling counts (S,)."""
    centred = patches - patches.mean(0)
    bounds = [*counts[::-1]]
    parts = [centred[begin:end] for begin, end in zip([0, *bounds], bounds, strict=False)]
    products = np.cumsum([part.T @ part for part in parts], axis=0)[::-1]
    means = np.cumsum([part.sum(0) for part in parts], axis=0)[::-1] / counts[:, None]
    return np.linalg.eigvalsh(products / counts[:, None, None] - means[:, :, None] * means[:, None])


def _next_estimate(eigenvalues: np.ndarray, counts: np.ndarray, variance: float, bound: float) -> float:
    """The smallest eigenvalue of the largest subset without structure, given the last estimate of the variance."""
    smallest = eigenvalues[:, 0]
    differences = eigenvalues[:, QUIET - 1] - smallest
    fits = (differences < TOLERANCE * variance / np.sqrt(counts)) & (smallest < bound)
    found = (fits | (smallest < 1e-6)).nonzero()[0]
    return min(smallest[found[0] if len(found) else -1], bound)


def _block_levels(grey: np.ndarray, side: int) -> np.ndarray:
    """The noise level of each block, of shape (ceil(H / side), ceil(W / side))."""
    tops, lefts = ([max(min(begin, end - side), 0) for begin in range(0, end, side)] for end in grey.shape)
    rows = [[pca_noise_level(grey[top : top + side, left : left + side]) for left in lefts] for top in tops]
    return np.array(rows)


def _filled(levels: np.ndarray) -> np.ndarray:
    """NaN replaced by the median of the neighbours, or of the whole where they have none; 0 where nothing is known."""
    missing = np.isnan(levels)
    if missing.all():
        return np.zeros(levels.shape)
    padded = np.pad(levels, 2, constant_values=np.nan)
    around = np.lib.stride_tricks.sliding_window_view(padded, (5, 5))
    filled = levels.copy()
    for row, column in zip(*missing.nonzero(), strict=True):
        known = around[row, column][~np.isnan(around[row, column])]
        filled[row, column] = np.median(known if len(known) else levels[~missing])
    return filled


def _doubled(coarse: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Each cell as two by two cells, cut to the shape."""
    return coarse.repeat(2, 0).repeat(2, 1)[: shape[0], : shape[1]]


def _borders(parts: np.ndarray) -> np.ndarray:
    """Where one of the four neighbours is in the other part."""
    found = np.zeros(parts.shape, bool)
    for axis in (0, 1):
        changes = np.diff(parts, axis=axis)
        none = np.zeros_like(parts.take([0], axis))
        found |= np.concatenate([changes, none], axis) | np.concatenate([none, changes], axis)
    return found
