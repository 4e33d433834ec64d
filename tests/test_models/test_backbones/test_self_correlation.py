"""SelfCorrelation against explicit loops, and on copies that are known."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.models.backbones.self_correlation import SelfCorrelation, consistency


def maps_of(module: SelfCorrelation, x: torch.Tensor) -> torch.Tensor:
    """What goes into the convolutions: (N, matches + 1, h, w)."""
    module.convs = torch.nn.Identity()
    with torch.no_grad():
        return module(x)


def by_loops(features: torch.Tensor, matches: int, margin: int) -> tuple[np.ndarray, np.ndarray]:
    """Highest similarities, and offsets of the best, of features (C, h, w), point by point."""
    height, width = features.shape[1:]
    unit = F.normalize(features - features.mean((1, 2), keepdim=True), dim=0).numpy()
    highest = np.full((matches, height, width), -1.0)
    offsets = np.zeros((2, height, width), int)
    for row in range(height):
        for column in range(width):
            found = [
                (float(unit[:, row, column] @ unit[:, other, place]), other - row, place - column)
                for other in range(height)
                for place in range(width)
                if abs(other - row) > margin or abs(place - column) > margin
            ]
            found.sort(reverse=True)
            for rank, (similarity, *_) in enumerate(found[:matches]):
                highest[rank, row, column] = similarity
            offsets[:, row, column] = found[0][1:]
    return highest, offsets


@pytest.mark.parametrize(('size', 'margin'), [((6, 9), 1), ((7, 5), 2), ((3, 11), 0)])
def test_similarities_and_offsets_are_those_of_loops(size: tuple[int, int], margin: int) -> None:
    module = SelfCorrelation(5, channels=4, matches=3, margin=margin)
    x = torch.randn(2, 5, *size, generator=torch.Generator().manual_seed(0))
    found = maps_of(module, x)
    with torch.no_grad():
        projected = module.project(x)
    for image, features in zip(found, projected, strict=True):
        highest, offsets = by_loops(features, 3, margin)
        np.testing.assert_allclose(image[:3].numpy(), highest, atol=1e-5)
        np.testing.assert_allclose(image[3].numpy(), consistency(torch.from_numpy(offsets)).numpy(), atol=1e-6)


def test_consistency_counts_the_neighbours_with_the_same_offset() -> None:
    offsets = torch.zeros(2, 5, 6, dtype=torch.int64)
    offsets[0, 2, 3] = 7
    found = consistency(offsets)
    # All around it have it as their one different neighbour; at the border there are fewer neighbours.
    assert found[2, 3] == 0
    assert found[2, 2] == found[1, 3] == 7 / 8
    assert found[0, 0] == 3 / 8
    offsets[0, 2, 3] = 1
    assert consistency(offsets)[2, 3] == 1


def test_a_copy_is_matched_at_one_offset_and_the_rest_is_not() -> None:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(1, 8, 16, 20, generator=generator)
    x[..., 2:7, 12:18] = x[..., 8:13, 1:7]
    module = SelfCorrelation(8, channels=8)
    torch.nn.init.dirac_(module.project.weight)
    torch.nn.init.zeros_(module.project.bias)
    found = maps_of(module, x)[0]
    copied = torch.zeros(16, 20, dtype=torch.bool)
    copied[2:7, 12:18] = copied[8:13, 1:7] = True
    assert found[0][copied].min() > 0.999 > found[0][~copied].max()
    assert found[-1][3:6, 13:17].min() == 1
    assert found[-1][~copied].mean() < 0.2


def test_large_maps_are_averaged_and_come_back_at_their_size() -> None:
    module = SelfCorrelation(4, max_points=64)
    module.eval()
    with torch.no_grad():
        assert module(torch.randn(1, 4, 33, 47)).shape == (1, 32, 33, 47)


@pytest.mark.parametrize('size', [(1, 1), (1, 3), (2, 2)])
def test_maps_without_a_far_point_give_finite_values(size: tuple[int, int]) -> None:
    module = SelfCorrelation(4)
    module.eval()
    x = torch.randn(1, 4, *size, requires_grad=True)
    found = module(x)
    assert found.shape == (1, 32, *size) and found.isfinite().all()
    found.sum().backward()
    assert x.grad.isfinite().all()


def test_similarities_are_computed_in_float32_under_autocast() -> None:
    module = SelfCorrelation(4)
    seen = []
    module.convs = torch.nn.Identity()
    with torch.no_grad(), torch.autocast('cpu', torch.bfloat16):
        seen.append(module(torch.randn(1, 4, 6, 6)))
    assert seen[0].dtype == torch.float32


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match='matches must be at least 1'):
        SelfCorrelation(4, matches=0)
    with pytest.raises(ValueError, match='margin at least 0'):
        SelfCorrelation(4, margin=-1)
