"""Embeddings whose clusters are known, for benchmarks that need no network."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812


def groups(points: int, dim: int, shares: tuple[float, ...] = (0.8, 0.2), spread: float = 0.5, seed: int = 0) -> Tensor:
    """Unit vectors (P, C) around axes, group after group: a forged image's embeddings after a good training.

    Args:
        points (int): P.
        dim (int): C, at least the number of groups.
        shares (tuple[float, ...]): Of each group, of sum 1.
        spread (float): Length of the noise that is added to the unit axis, before normalisation.
        seed (int): Of the noise.
    """
    generator = torch.Generator().manual_seed(seed)
    ends = (torch.tensor(shares).cumsum(0) * points).round().long()
    group = torch.bucketize(torch.arange(points), ends, right=True).clamp(max=len(shares) - 1)
    noise = torch.randn(points, dim, generator=generator) * spread / dim**0.5
    return F.normalize(F.one_hot(group, dim).float() + noise, dim=1)


def _random(points: int, dim: int) -> Tensor:
    return F.normalize(torch.randn(points, dim, generator=torch.Generator().manual_seed(0)), dim=1)


def _low_rank(points: int, dim: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    factors = torch.randn(points, 4, generator=generator), torch.randn(4, dim, generator=generator)
    return F.normalize(factors[0] @ factors[1], dim=1)


def _duplicated(points: int, dim: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return _random(max(2, points // 8), dim)[torch.randint(0, max(2, points // 8), (points,), generator=generator)]


KINDS: dict[str, Callable[[int, int], Tensor]] = {
    'random': _random,
    'two groups': groups,
    'five groups': lambda points, dim: groups(points, dim, (0.5, 0.2, 0.15, 0.1, 0.05), 0.8),
    'tight groups': lambda points, dim: groups(points, dim, spread=1e-4),
    'low rank': _low_rank,
    'duplicated': _duplicated,
}


def synthetic_maps(side: int, dim: int, seeds: int = 4) -> list[tuple[Tensor, np.ndarray]]:
    """Maps of embeddings (C, h, w) with their truth, bool (h, w): pristine, and forged from one and from two sources.

    The embeddings of a group lie around a centre, in cones of several widths. The centre itself drifts across the
    image, as a network's embeddings do with brightness and texture; forged areas are squares.

    Args:
        side (int): h and w.
        dim (int): C.
        seeds (int): Images of each kind.
    """
    found = []
    for seed in range(seeds):
        for shares in ((), (0.03,), (0.2,), (0.1, 0.05)):
            for spread in (0.3, 0.6, 1.2):
                generator = torch.Generator().manual_seed(seed)
                group = torch.zeros(side, side, dtype=torch.long)
                for source, share in enumerate(shares, start=1):
                    size = round(share**0.5 * side)
                    top = int(torch.randint(0, side - size + 1, (1,), generator=generator))
                    left = (side // 2) * (source - 1)
                    group[top : top + size, left : left + size] = source
                centre = F.one_hot(group, dim).float()
                drift = torch.linspace(-0.3, 0.3, side)
                centre[..., -1], centre[..., -2] = drift, drift[:, None]
                noise = torch.randn(side, side, dim, generator=generator) * spread / dim**0.5
                found.append((F.normalize(centre + noise, dim=-1).permute(2, 0, 1), (group > 0).numpy()))
    return found
