"""What the tests of several clusterers share."""

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812


@pytest.fixture
def blobs() -> Callable[..., Tensor]:
    """Makes unit vectors around far-apart axes, blob after blob."""

    def make(sizes: Sequence[int], width: int = 8, spread: float = 0.1, seed: int = 0) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        centres = torch.eye(width)[torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))]
        return F.normalize(centres + spread * torch.randn(centres.shape, generator=generator), dim=1)

    return make
