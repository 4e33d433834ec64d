import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.clustering.map_size import check_max_points, pool_embeddings, pooling_factor, upsample_scores


def unit_map(*shape: int) -> torch.Tensor:
    return F.normalize(torch.randn(shape, generator=torch.Generator().manual_seed(0)), dim=0)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 500))
def test_the_factor_is_the_smallest(height: int, width: int, most: int) -> None:
    factor = pooling_factor((height, width), most)
    assert math.ceil(height / factor) * math.ceil(width / factor) <= most
    finer = factor - 1
    assert not finer or math.ceil(height / finer) * math.ceil(width / finer) > most


def test_the_papers_map_is_left_as_it_is_by_default_and_a_larger_one_is_not() -> None:
    assert pooling_factor((256, 256), 65536) == 1 and pooling_factor((256, 257), 65536) == 2
    embeddings = unit_map(3, 10, 10)
    assert pool_embeddings(embeddings, 100) is embeddings
    score = torch.rand(100)
    assert torch.equal(upsample_scores(score, (10, 10), 100), score.view(10, 10))


def test_a_cell_is_the_mean_of_a_square_and_has_unit_length() -> None:
    embeddings = unit_map(4, 7, 8)
    found = pool_embeddings(embeddings, 9)
    assert found.shape == (4, 3, 3)
    for row in range(3):
        for column in range(3):
            square = embeddings[:, 3 * row : 3 * row + 3, 3 * column : 3 * column + 3]
            mean = square.flatten(1).mean(1)
            torch.testing.assert_close(found[:, row, column], mean / mean.norm())


def test_half_precision_is_averaged_in_full() -> None:
    embeddings = unit_map(4, 6, 6)
    assert pool_embeddings(embeddings.half(), 9).dtype == torch.float32
    torch.testing.assert_close(pool_embeddings(embeddings.half(), 9), pool_embeddings(embeddings, 9), rtol=0, atol=1e-3)


def test_scores_come_back_to_where_their_squares_are() -> None:
    height, width, factor = 11, 16, 3
    score = torch.zeros(4, 6)
    score[:, 4:] = 1
    found = upsample_scores(score.flatten(), (height, width), 24)
    assert pooling_factor((height, width), 24) == factor and found.shape == (height, width)
    assert bool((found[:, : 4 * factor - 2] == 0).all()) and bool((found[:, 4 * factor + 2 :] == 1).all())
    assert bool(((found > 0.5) == (torch.arange(width) >= 4 * factor)).all())


@pytest.mark.parametrize('wrong', [0, -1, None, 2.5, '9', True])
def test_a_cap_that_is_no_number_of_points_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match=f'max_points of the decode_head must be a whole number.*got {wrong!r}'):
        check_max_points(wrong)
