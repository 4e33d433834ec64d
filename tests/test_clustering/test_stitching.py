import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.clustering.stitching import StitchedMap, fitting_window, stitch_embeddings, window_starts

PIXELS = 4


def embed(window: Tensor) -> Tensor:
    """Unit-length embeddings that depend on nothing but the pixels under them."""
    means = F.avg_pool2d(window, PIXELS)
    return F.normalize(torch.cat([means, means.square(), torch.ones_like(means)], dim=1), dim=1)


def random_image(height: int, width: int) -> Tensor:
    return torch.randn(3, height, width, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize('size', [(64, 64), (128, 64), (96, 160), (72, 100)])
@pytest.mark.parametrize('stride', [(64, 64), (48, 32), (50, 17), (1, 64)])
def test_windows_of_one_opinion_give_the_whole_map(size: tuple[int, int], stride: tuple[int, int]) -> None:
    image = random_image(*size)
    found, cell = stitch_embeddings(embed, image, (64, 64), stride, 10**6)
    whole = embed(image[None])[0]
    assert cell == PIXELS
    torch.testing.assert_close(found[:, : whole.shape[1], : whole.shape[2]], whole)


def test_one_window_is_what_embed_gave() -> None:
    image = random_image(64, 96)
    found, cell = stitch_embeddings(embed, image, (64, 96), (1, 1), 10**6)
    assert cell == PIXELS
    assert torch.equal(found, embed(image[None])[0])


def test_an_image_smaller_than_a_window_is_padded_by_zeros() -> None:
    image = random_image(30, 20)
    found, cell = stitch_embeddings(embed, image, (64, 64), (64, 64), 10**6)
    assert cell == PIXELS and found.shape[1:] == (16, 16)
    torch.testing.assert_close(found, embed(F.pad(image, (0, 44, 0, 34))[None])[0])


@pytest.mark.parametrize('most', [1, 3, 50, 100, 400])
def test_a_map_beyond_max_points_is_made_coarser_by_the_smallest_factor(most: int) -> None:
    image = random_image(96, 128).mean((1, 2), keepdim=True).expand(3, 96, 128)
    found, cell = stitch_embeddings(embed, image, (64, 64), (48, 48), most)
    assert cell % PIXELS == 0
    assert math.prod(found.shape[1:]) <= most
    assert found.shape[1:] == (math.ceil(96 / cell), math.ceil(128 / cell))
    finer = cell - PIXELS
    assert finer == 0 or math.ceil(96 / finer) * math.ceil(128 / finer) > most
    torch.testing.assert_close(found, embed(image[None])[0][:, :1, :1].expand_as(found))


def test_a_coarse_cell_is_the_weighted_mean_of_its_embeddings() -> None:
    gathered = StitchedMap((16, 16), PIXELS, 4)
    assert (gathered.cell, gathered.shape) == (8, (2, 2))
    embeddings = F.normalize(torch.randn(5, 4, 4, generator=torch.Generator().manual_seed(0)), dim=0)
    gathered.add(embeddings, 0, 0)
    tent = torch.tensor([1.0, 2, 2, 1])
    weight = tent[:, None] * tent
    wanted = (embeddings * weight)[:, :2, 2:].sum((1, 2)) / weight[:2, 2:].sum()
    torch.testing.assert_close(gathered.embeddings()[:, 0, 1], F.normalize(wanted, dim=0))


def test_the_middle_of_a_window_counts_more_than_the_border_of_another() -> None:
    gathered = StitchedMap((8, 24), PIXELS, 10**6)
    one, other = torch.eye(2)[:, :, None, None].expand(2, 2, 2, 4)
    gathered.add(one, 0, 0)
    gathered.add(other, 0, 8)
    found = gathered.embeddings()
    assert (found[0, :, :2] == 1).all() and (found[1, :, 4:] == 1).all()
    torch.testing.assert_close(found[:, 0, 2], F.normalize(torch.tensor([2.0, 1.0]), dim=0))


@given(st.integers(1, 400), st.integers(1, 120), st.integers(1, 120), st.integers(1, 40))
@settings(max_examples=200)
def test_windows_begin_at_cells_and_leave_no_cell_out(side: int, window: int, stride: int, cell: int) -> None:
    starts = window_starts(side, window, min(stride, window), cell)
    assert starts[0] == 0 and starts == sorted(set(starts))
    assert all(start % cell == 0 for start in starts)
    assert starts[-1] < side <= starts[-1] + max(window, cell)
    gaps = [second - first for first, second in itertools.pairwise(starts)]
    assert all(gap <= max(min(stride, window) // cell * cell, cell) for gap in gaps)
    assert not gaps or max(gaps) - min(gaps) <= cell


@given(st.integers(1, 400), st.integers(1, 120), st.integers(1, 120), st.integers(1, 40))
@settings(max_examples=200)
def test_a_fitting_window_covers_in_as_many_steps_and_overlaps_as_much(
    side: int, most: int, stride: int, divisor: int
) -> None:
    stride = min(stride, most)
    window, other = fitting_window((side, most), (most, most), (stride, stride), divisor)
    assert other == min(most, math.ceil(most / divisor) * divisor)
    assert window <= most and (window % divisor == 0 or window == most)
    starts = window_starts(side, window, stride, 1)
    assert len(starts) == len(window_starts(side, most, stride, 1))
    # What is left of the overlap is less by what a start is rounded to at most.
    gaps = [second - first for first, second in itertools.pairwise(starts)]
    assert all(window - gap >= most - stride for gap in gaps)
    # One step of the divisor less would not do.
    less = window - divisor
    assert less < 1 or less * len(starts) < side + (len(starts) - 1) * (most - stride)


def test_a_window_of_one_input_size_is_kept() -> None:
    assert fitting_window((30, 5000), (64, 64), (48, 48), None) == (64, 64)


@pytest.mark.parametrize('size', [(30, 40), (90, 180), (65, 130)])
def test_fitting_windows_give_the_whole_map_with_fewer_pixels(size: tuple[int, int]) -> None:
    image, seen = random_image(*size), []

    def counted(window: Tensor) -> Tensor:
        seen.append(window.shape[2] * window.shape[3])
        return embed(window)

    pixels, maps = [], []
    for window in ((64, 64), fitting_window(size, (64, 64), (48, 48), 8)):
        maps.append(stitch_embeddings(counted, image, window, (48, 48), 10**6)[0])
        pixels.append(sum(seen))
        seen.clear()
    rows, columns = (math.ceil(side / PIXELS) for side in size)
    torch.testing.assert_close(*(each[:, :rows, :columns] for each in maps))
    assert pixels[1] < pixels[0]


def test_embeddings_that_do_not_divide_a_window_are_refused() -> None:
    with pytest.raises(ValueError, match='a window of 62x64 has embeddings of 15x16: choose a crop_size'):
        stitch_embeddings(embed, random_image(100, 100), (62, 64), (62, 64), 100)
