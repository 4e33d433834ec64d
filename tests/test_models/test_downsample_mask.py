import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy import ndarray, uint8
from torch import Tensor

from focal_mmseg.models.embedding_maps import downsample_mask


def reference(mask: Tensor, cell: int) -> Tensor:
    """Counts under each cell of so many pixels a side, then looks around the thin ones."""
    height, width = mask.shape[0] // cell, mask.shape[1] // cell
    target = torch.empty(height, width, dtype=torch.long)
    thin = []
    for y in range(height):
        for x in range(width):
            under = mask[y * cell : (y + 1) * cell, x * cell : (x + 1) * cell]
            forged, pristine = (under == 1).sum().item(), (under == 0).sum().item()
            target[y, x] = 255 if forged + pristine == 0 else int(forged >= pristine)
            if 0 < forged < pristine:
                thin.append((y, x))
    alone = [(y, x) for y, x in thin if not (target[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2] == 1).any()]
    for y, x in alone:
        target[y, x] = 1
    return target


@pytest.mark.parametrize('cell', [1, 2, 3, 4, 16])
@pytest.mark.parametrize('dtype', [torch.uint8, torch.int64])
@pytest.mark.parametrize('share', [0.02, 0.5])
def test_it_equals_the_rule_cell_by_cell(cell: int, dtype: torch.dtype, share: float) -> None:
    generator = torch.Generator().manual_seed(cell)
    coarse = torch.multinomial(torch.tensor([0.8, share, 0.2]), 2 * 5 * 7, True, generator=generator).view(2, 5, 7)
    coarse = coarse.repeat_interleave(cell, 1).repeat_interleave(cell, 2)
    noise = torch.randint(0, 3, coarse.shape, generator=generator)
    masks = torch.where(torch.rand(coarse.shape, generator=generator) < 1 - share, coarse, noise)
    masks = masks.masked_fill(masks == 2, 255).to(dtype)
    masks[0, :cell, :cell] = 255
    found = downsample_mask(masks, (5, 7))
    assert found.dtype == torch.int64
    assert torch.equal(found, torch.stack([reference(mask, cell) for mask in masks]))
    assert found[0, 0, 0] == 255


def test_a_tie_is_forged_and_no_ignored_pixel_counts() -> None:
    masks = torch.tensor([[[1, 1, 255, 255, 255, 255, 1, 0], [0, 0, 255, 1, 255, 0, 0, 0]]])
    assert downsample_mask(masks, (1, 4)).tolist() == [[[1, 1, 0, 1]]]
    masks[0, 0, 6] = 0
    assert downsample_mask(masks, (1, 4)).tolist() == [[[1, 1, 0, 0]]]


@pytest.mark.parametrize('width', [1, 2, 7])
def test_a_line_thinner_than_a_cell_is_kept(width: int) -> None:
    masks = torch.zeros(1, 64, 64, dtype=torch.long)
    masks[:, :, 20 : 20 + width] = 1
    assert downsample_mask(masks, (4, 4)).tolist() == [[[0, 1, 0, 0]] * 4]


def test_the_border_of_a_large_region_does_not_move() -> None:
    masks = torch.zeros(1, 64, 64, dtype=torch.long)
    masks[:, :, :37] = 1  # 5 of the third cell's 16 columns
    assert downsample_mask(masks, (4, 4)).tolist() == [[[1, 1, 0, 0]] * 4]


@given(arrays(uint8, (12, 18), elements=st.sampled_from([0, 0, 0, 0, 0, 1, 255])), st.sampled_from([1, 2, 3, 6]))
@settings(max_examples=60, deadline=None)
def test_every_forged_pixel_has_a_forged_cell_over_or_beside_it(pixels: ndarray, cell: int) -> None:
    mask = torch.from_numpy(pixels.astype('int64'))
    target = downsample_mask(mask[None], (12 // cell, 18 // cell))[0]
    for y, x in (mask == 1).nonzero().tolist():
        y, x = y // cell, x // cell
        assert (target[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2] == 1).any()
    if not (mask == 1).any():
        assert not (target == 1).any()


def test_a_size_that_does_not_divide_and_a_larger_one() -> None:
    masks = (torch.arange(50) >= 25).long().expand(1, 30, 50)
    found = downsample_mask(masks, (7, 13))
    assert not found[..., :6].any() and found[..., 7:].all()
    assert torch.equal(downsample_mask(masks, (60, 100)), (torch.arange(100) >= 50).long().expand(1, 60, 100))


def test_another_value_is_refused() -> None:
    with pytest.raises(ValueError, match=r'255 \(ignored\), found \[2, 3\]'):
        downsample_mask(torch.tensor([[[0, 1], [2, 3]]]), (1, 1))
