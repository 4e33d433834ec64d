"""Scores in this project's form: two channels, pristine and forged, whose softmax is the score."""

import torch
from torch import Tensor

# Logarithms of scores stay finite, and float32 tells 1 less this from 1.
LEAST_SCORE = 1e-7


def log_scores(probability: Tensor, dim: int = 1) -> Tensor:
    """The two channels of a forged score.

    Args:
        probability (Tensor): In [0, 1], of length 1 along ``dim``, as (N, 1, H, W); kept :data:`LEAST_SCORE` away from
            0 and 1.
        dim (int): The channels' dimension. Defaults to 1.

    Returns:
        Tensor: log(1 - p) and log(p), of length 2 along ``dim``: their softmax is (1 - p, p), and exactly the scores
        above 1/2 are forged by their argmax.
    """
    score = probability.clamp(LEAST_SCORE, 1 - LEAST_SCORE)
    return torch.cat([1 - score, score], dim).log()


def logit_to_log_scores(logit: Tensor, dim: int = 1) -> Tensor:
    """The two channels of the input of a sigmoid.

    Args:
        logit (Tensor): Any number, of length 1 along ``dim``, as (N, 1, H, W).
        dim (int): The channels' dimension. Defaults to 1.

    Returns:
        Tensor: 0 and the logit, of length 2 along ``dim``: their softmax is the sigmoid, and their cross-entropy the
        binary one.
    """
    return torch.cat([torch.zeros_like(logit), logit], dim)
