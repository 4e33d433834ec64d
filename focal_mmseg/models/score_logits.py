"""From a forged score to the two channels whose softmax it is."""

import torch
from torch import Tensor

LEAST_SCORE = 1e-7


def logits_of_score(score: Tensor) -> Tensor:
    """Two channels, pristine and forged, whose softmax is a score.

    Args:
        score (Tensor): Forged score in [0, 1] of shape (N, 1, H, W); kept 1e-7 away from 0 and 1.

    Returns:
        Tensor: float32 of shape (N, 2, H, W).
    """
    score = score.float().clamp(LEAST_SCORE, 1 - LEAST_SCORE)
    return torch.cat([1 - score, score], dim=1).log()
