"""IF-OSN's decoder beside a plain statement of it."""

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.models import SCSEUNetHead

WIDTHS = (8, 12, 16, 20, 24)
INNER = (10, 6, 6, 4)


def head() -> SCSEUNetHead:
    torch.manual_seed(0)
    found = SCSEUNetHead(WIDTHS, INNER, 4).eval()
    with torch.no_grad():
        for value in found.parameters():
            value.normal_(std=1.5 / max(value[0].numel(), 1) ** 0.5 if value.ndim > 1 else 0.3)
    return found


def maps(height: int, width: int) -> list[Tensor]:
    """As of an encoder that halves and rounds up."""
    found = []
    for channels in WIDTHS:
        height, width = (height + 1) // 2, (width + 1) // 2
        found.append(torch.randn(2, channels, height, width))
    return found


def nearest(values: Tensor, height: int, width: int) -> Tensor:
    """By the rows and columns that the nearest ones are of."""
    rows = torch.arange(height) * values.shape[2] // height
    columns = torch.arange(width) * values.shape[3] // width
    return values[:, :, rows][:, :, :, columns]


def stated(state: dict[str, Tensor], levels: list[Tensor], size: tuple[int, int]) -> Tensor:
    def convolved(values: Tensor, name: str) -> Tensor:
        kernel = state[f'{name}.weight']
        return F.conv2d(values, kernel, state.get(f'{name}.bias'), padding=kernel.shape[-1] // 2)

    values = levels[-1]
    for step, beside in enumerate(levels[-2::-1]):
        values = values.repeat_interleave(2, 2).repeat_interleave(2, 3)
        values = convolved(values, f'upsamples.{step}.0').relu()
        values = torch.cat([nearest(values, *beside.shape[2:]), beside], 1)
        values = convolved(values, f'merges.{step}.0.0').relu()
        mean = values.mean((2, 3), keepdim=True)
        gates = f'merges.{step}.1'
        channel = convolved(convolved(mean, f'{gates}.channels.1').relu(), f'{gates}.channels.3').sigmoid()
        point = convolved(values, f'{gates}.points.0').sigmoid()
        values = torch.stack([values * channel, values * point]).amax(0)
    values = values.repeat_interleave(2, 2).repeat_interleave(2, 3)
    return nearest(convolved(convolved(values, 'last_upsample.0').relu(), 'score').sigmoid(), *size)


@pytest.mark.parametrize('size', [(64, 64), (67, 75), (45, 90), (3, 3), (1, 33)])
@torch.no_grad()
def test_equal_to_the_statement_at_odd_sizes_too(size: tuple[int, int]) -> None:
    network, levels = head(), maps(*size)
    found = network.predict(levels, [dict(img_shape=size)] * 2, None)
    wanted = stated(network.state_dict(), levels, size)
    assert found.shape == (2, 2, *size)
    torch.testing.assert_close(found.softmax(1)[:, 1:], wanted)
    assert size == (3, 3) or wanted.std() > 0.01


@torch.no_grad()
def test_of_a_tile_the_map_has_the_tiles_size() -> None:
    meta = dict(img_shape=torch.Size((32, 48)), pad_shape=(64, 64))
    assert head().predict(maps(32, 48), [meta] * 2, None).shape == (2, 2, 32, 48)


def test_the_loss_is_the_binary_cross_entropy_of_the_pixels_that_count() -> None:
    network, levels = head(), maps(33, 40)
    labels = torch.randint(0, 2, (2, 33, 40))
    labels[0, :9] = 255
    samples = [SegDataSample(gt_sem_seg=PixelData(data=label[None])) for label in labels]
    loss = network.loss(levels, samples, None)['loss_ce']
    score = stated(dict(network.named_parameters()), levels, (33, 40))[:, 0]
    counts = labels != 255
    torch.testing.assert_close(loss, F.binary_cross_entropy(score[counts], labels[counts].float()))
    loss.backward()
    assert all(value.grad is not None and value.grad.isfinite().all() for value in network.parameters())


@pytest.mark.parametrize('widths', [(8, 4), (8, 8, 8, 8, 8), ()])
def test_numbers_of_maps_that_do_not_go_together_are_named(widths: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=f'one fewer than in_channels, got {len(widths)} and 5'):
        SCSEUNetHead(WIDTHS, widths)
