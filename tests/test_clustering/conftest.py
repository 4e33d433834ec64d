"""What the tests of several clusterers share."""

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.clustering import sieve


@pytest.fixture
def blobs() -> Callable[..., Tensor]:
    """Makes unit vectors around far-apart axes, blob after blob."""

    def make(sizes: Sequence[int], width: int = 8, spread: float = 0.1, seed: int = 0) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        centres = torch.eye(width)[torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))]
        return F.normalize(centres + spread * torch.randn(centres.shape, generator=generator), dim=1)

    return make


@pytest.fixture
def sieve_always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few points go through a sieve too, of one and two axes, whether it saves something or not."""
    monkeypatch.setattr(sieve, 'FEWEST_POINTS', 1)
    monkeypatch.setattr(sieve, 'ROWS_PER_BLOCK', 7)
    monkeypatch.setattr(sieve, 'FIRST_COLUMNS', 64)
    monkeypatch.setattr(sieve, 'AXES', (1, 2))
    monkeypatch.setattr(sieve.Sieve, '_cheapest', lambda self, stages, bounds, count: stages)
