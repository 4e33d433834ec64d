"""Tiles and their blending."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from focal_mmseg.models.segmentors.tiles import blend_tiles, centre_weight, tile_places

TILE, STRIDE = 16, 8
# Below, at and above a tile, on and off the stride, primes, and a tile's side in one direction alone.
SIZES = [(5, 7), (16, 16), (16, 23), (24, 16), (17, 31), (32, 32), (37, 41), (7, 37), (43, 11), (1, 64)]


def places_as_told(height: int, width: int) -> list[tuple[int, int]]:
    """Rows while they fit, in each the columns while they fit and one at the right edge; then a row at the bottom."""
    columns, left = [], 0
    while left + TILE <= width:
        columns.append(left)
        left += STRIDE
    columns.append(max(width - TILE, 0))
    found, top = [], 0
    while top + TILE <= height:
        found += [(top, left) for left in columns]
        top += STRIDE
    return found + [(max(height - TILE, 0), left) for left in columns]


def blended_as_told(answers: dict, height: int, width: int, eight_bit: bool) -> np.ndarray:
    """Pixel by pixel, in Python's own numbers."""
    levels = [[None] * width for _ in range(height)]
    for top, left in places_as_told(height, width):
        answer = answers[top, left].double().tolist()
        rows, columns = len(answer), len(answer[0])
        for y, x in itertools.product(range(rows), range(columns)):
            new = answer[y][x] * 255
            new = float(round(new)) if eight_bit else new
            old = levels[top + y][left + x]
            weight = max(0.0, 1 - abs(3 * (y + 0.5) / rows - 1.5)) * max(0.0, 1 - abs(3 * (x + 0.5) / columns - 1.5))
            keep = 1 - weight
            levels[top + y][left + x] = new if old is None else keep * old + weight * new
    return np.array([[(math.floor(value) if eight_bit else value) / 255 for value in row] for row in levels])


@pytest.mark.parametrize('eight_bit', [True, False])
@pytest.mark.parametrize('size', SIZES)
def test_equal_to_the_statement_pixel_by_pixel(size: tuple[int, int], eight_bit: bool) -> None:
    assert list(tile_places(size, TILE, STRIDE)) == places_as_told(*size)
    # The image holds its own places, so that an answer can be drawn for each tile.
    image = torch.stack(torch.meshgrid(*(torch.arange(side) for side in size), indexing='ij'))
    chance = torch.Generator().manual_seed(0)
    answers = {}

    def score(part: torch.Tensor) -> torch.Tensor:
        place = tuple(part[:, 0, 0].tolist())
        assert place not in answers, 'a place was scored twice'
        answers[place] = torch.rand(part.shape[1:], generator=chance)
        return answers[place]

    found = blend_tiles(score, image, TILE, STRIDE, eight_bit)
    wanted = blended_as_told(answers, *size, eight_bit)
    np.testing.assert_array_equal(found.numpy(), wanted)
    assert np.ptp(wanted) > 0.2


def test_a_tile_that_comes_twice_is_blended_twice() -> None:
    image = torch.arange(24).expand(1, 16, 24)
    found = blend_tiles(
        lambda part: torch.full(part.shape[1:], 0.2 + 0.6 * bool(part.min())), image, TILE, STRIDE, False
    )
    # Two rows of three tiles each, at 0, 8 and again 8, are the same row twice.
    expected, middle = 0.2, float(centre_weight(16)[7])
    for left in (8, 8, 0, 8, 8):
        share = middle * float(centre_weight(16)[12 - left])
        expected = (1 - share) * expected + share * (0.8 if left else 0.2)
    assert float(found[7, 12]) == pytest.approx(expected)
    assert 0.3 < expected < 0.79


@given(st.integers(1, 80), st.integers(1, 80), st.integers(1, 20), st.data())
def test_every_pixel_is_in_a_tile_that_lies_in_the_image(
    height: int, width: int, tile: int, data: st.DataObject
) -> None:
    stride = data.draw(st.integers(1, tile))
    covered = torch.zeros(height, width, dtype=torch.bool)
    for top, left in tile_places((height, width), tile, stride):
        assert 0 <= top <= max(height - tile, 0) and 0 <= left <= max(width - tile, 0)
        covered[top : top + tile, left : left + tile] = True
    assert bool(covered.all())


@given(st.floats(0, 1), st.integers(1, 50), st.integers(1, 50))
def test_what_all_tiles_agree_on_is_the_answer(value: float, height: int, width: int) -> None:
    image = torch.zeros(1, height, width)
    for eight_bit in (True, False):
        found = blend_tiles(lambda part: torch.full(part.shape[1:], value, dtype=torch.double), image, 16, 8, eight_bit)
        assert float((found - value).abs().max()) <= (1.5 / 255 + 1e-9 if eight_bit else 1e-9)


def test_the_weight_is_one_in_the_middle_and_nothing_in_the_outer_sixths() -> None:
    weight = centre_weight(897)
    assert float(weight.max()) == float(weight[448]) == 1
    assert not weight[:149].any() and not weight[-149:].any() and weight[151] > 0
    torch.testing.assert_close(weight, weight.flip(0))
