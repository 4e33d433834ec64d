"""Pixels and coefficients side by side: what each stream sees, and the maps' sizes."""

import numpy as np
import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmseg.registry import MODELS
from scipy.fft import dctn
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.models import TwoStreamBackbone
from focal_mmseg.models.backbones.two_stream import DCTStream

SIZES = [(8, 8), (40, 56), (72, 24), (8, 104), (64, 64)]


@MODELS.register_module()
class ToyStrides(nn.Module):
    """Means over squares of 4, 8 and 32 pixels a side; refuses what is no whole number of them."""

    def forward(self, x: Tensor) -> list[Tensor]:
        assert x.shape[1] == 3 and not x.shape[2] % 32 and not x.shape[3] % 32
        return [F.avg_pool2d(x, side) for side in (4, 8, 32)]


RGB = dict(type='ToyStrides')
DCT = dict(channels=12, out_channels=7, dilations=(1, 2))


def build(**options: object) -> TwoStreamBackbone:
    torch.manual_seed(0)
    return MODELS.build(dict(type='TwoStreamBackbone', **options)).eval()


def image(height: int, width: int, batch: int = 2, seed: int = 0) -> Tensor:
    """Five channels as LoadJPEGArtifacts makes them."""
    generator = torch.Generator().manual_seed(seed)
    colours = torch.rand(batch, 3, height, width, generator=generator) * 2 - 1
    coefficients = torch.randint(-20, 21, (batch, 1, height, width), generator=generator).float()
    table = torch.randint(1, 100, (batch, 1, 8, 8), generator=generator).float()
    return torch.cat([colours, coefficients, table.repeat(1, 1, height // 8, width // 8)], 1)


@pytest.mark.parametrize('size', SIZES)
def test_maps_of_both_streams_cover_the_image(size: tuple[int, int]) -> None:
    maps = build(rgb=RGB, dct=DCT)(image(*size))
    shapes = [(side[0], side[1]) for side in ([-(-each // stride) for each in size] for stride in (4, 8, 32, 8))]
    assert [tuple(each.shape[2:]) for each in maps] == shapes
    assert [each.shape[1] for each in maps] == [3, 3, 3, 7]


@pytest.mark.parametrize('size', SIZES)
def test_either_stream_alone_gives_what_it_gives_beside_the_other(size: tuple[int, int]) -> None:
    x = image(*size)
    both, colours, coefficients = build(rgb=RGB, dct=DCT), build(rgb=RGB), build(dct=DCT)
    coefficients.dct.load_state_dict(both.dct.state_dict())
    with torch.no_grad():
        expected = both(x)
        for found, wanted in zip((*colours(x), *coefficients(x)), expected, strict=True):
            torch.testing.assert_close(found, wanted)
    assert len(colours(x)) == 3 and len(coefficients(x)) == 1
    # The streams do not see each other's channels.
    other = image(*size, seed=1)
    mixed = torch.cat([x[:, :3], other[:, 3:]], 1)
    with torch.no_grad():
        changed = both(mixed)
    assert all(torch.equal(one, two) for one, two in zip(changed[:3], expected[:3], strict=True))
    assert not torch.allclose(changed[3], expected[3])


def test_what_fills_up_repeats_the_border_and_the_grid_stays() -> None:
    x = image(40, 56)
    found = build(rgb=RGB)(x)
    padded = F.pad(x[:, :3], (0, 8, 0, 24), mode='replicate')
    torch.testing.assert_close(found[1], F.avg_pool2d(padded, 8)[:, :, :5, :7])
    torch.testing.assert_close(found[2], F.avg_pool2d(padded, 32)[:, :, :2, :2])
    # A whole block alone is seen where it lies.
    torch.testing.assert_close(found[1][0, :, 2, 3], x[0, :3, 16:24, 24:32].mean((1, 2)))


@pytest.mark.parametrize('clip', [1, 8])
def test_the_volume_is_that_of_an_explicit_loop(clip: int) -> None:
    stream = DCTStream(**DCT, clip=clip)
    x = image(16, 24, batch=1)
    seen = []
    stream.stem.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        stream(x[:, 3:4], x[:, 4:5])
    expected = torch.zeros(1, 64 * (clip + 1) + 64, 2, 3)
    for row in range(16):
        for column in range(24):
            frequency = row % 8 * 8 + column % 8
            level = min(abs(int(x[0, 3, row, column])), clip)
            expected[0, frequency * (clip + 1) + level, row // 8, column // 8] = 1
            logarithm = torch.log2(x[0, 4, row, column]) / 6
            expected[0, 64 * (clip + 1) + frequency, row // 8, column // 8] = logarithm
    assert seen[0].shape == expected.shape
    torch.testing.assert_close(seen[0], expected)


def test_signs_and_what_lies_above_the_clip_are_not_seen() -> None:
    backbone, x = build(dct=DCT), image(24, 24)
    other = x.clone()
    other[:, 3] = -x[:, 3]
    other[:, 3][x[:, 3].abs() >= 8] = 500
    with torch.no_grad():
        torch.testing.assert_close(backbone(x)[0], backbone(other)[0])
        other[:, 3] = (x[:, 3] + 1).abs()
        assert not torch.allclose(backbone(x)[0], backbone(other)[0])


def test_padding_of_zeros_is_finite() -> None:
    x = image(32, 32)
    x[:, :, 16:] = 0
    assert all(each.isfinite().all() for each in build(rgb=RGB, dct=DCT)(x))


def test_a_shift_by_a_block_shifts_the_map() -> None:
    backbone = build(dct=dict(DCT, dilations=(1,)))
    x = image(64, 64, batch=1)
    with torch.no_grad():
        whole, shifted = backbone(x)[0], backbone(x[:, :, 8:, 16:])[0]
    # Beside the border, which the convolutions fill up.
    torch.testing.assert_close(whole[:, :, 2:-1, 3:-1], shifted[:, :, 1:-1, 1:-1])


def test_every_parameter_learns() -> None:
    backbone = build(dct=DCT)
    backbone.train()
    before = {name: value.clone() for name, value in backbone.named_parameters()}
    wrapper = build_optim_wrapper(backbone, dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=1.0)))
    wrapper.update_params((backbone(image(40, 40))[0] ** 2).mean())
    for name, value in backbone.named_parameters():
        assert not torch.equal(before[name], value), name


def test_the_levels_are_no_part_of_a_checkpoint() -> None:
    assert not [name for name in build(dct=DCT).state_dict() if 'levels' in name]


@pytest.mark.parametrize('shape', [(1, 3, 64, 64), (1, 5, 60, 64), (1, 5, 64, 63), (5, 64, 64)])
def test_other_images_are_refused_with_the_remedy(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match='put LoadJPEGArtifacts behind LoadImageFromFile'):
        build(dct=DCT)(torch.zeros(shape))


@pytest.mark.parametrize(
    ('options', 'says'),
    [
        (dict(), 'needs a stream'),
        (dict(dct=DCT, divisor=4), 'divisor of TwoStreamBackbone must be a multiple of 8, got 4'),
        (dict(dct=DCT, divisor=20), 'must be a multiple of 8, got 20'),
        (dict(dct=dict(clip=0)), 'clip of the DCT stream must be at least 1, got 0'),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        build(**options)


def test_copies_need_colours() -> None:
    with pytest.raises(ValueError, match='copies=None'):
        TwoStreamBackbone(dct=dict(), copies=dict(index=0, in_channels=8))


def coefficients_of(plane: np.ndarray) -> Tensor:
    """The transform of each block of 8x8, on the pixel grid, shape (1, 1, H, W)."""
    height, width = plane.shape
    blocks = plane.reshape(height // 8, 8, width // 8, 8).transpose(0, 2, 1, 3)
    found = dctn(blocks, axes=(2, 3), norm='ortho').transpose(0, 2, 1, 3).reshape(height, width)
    return torch.from_numpy(found).float()[None, None]


@pytest.mark.parametrize('dims', [(2,), (3,), (2, 3)])
def test_a_mirrored_input_is_that_of_the_mirrored_image(dims: tuple[int, ...]) -> None:
    x = image(24, 40, batch=1)
    plane = np.random.default_rng(0).uniform(-99, 99, (24, 40))
    x[:, 3:4] = coefficients_of(plane)
    mirrored = TwoStreamBackbone.mirror(x, dims)
    wanted = coefficients_of(np.flip(plane, [dim - 2 for dim in dims]).copy())
    torch.testing.assert_close(mirrored[:, 3:4].abs(), wanted.abs(), atol=1e-4, rtol=0)
    assert torch.equal(mirrored[:, :3], x[:, :3].flip(dims)) and torch.equal(mirrored[:, 4], x[:, 4])
    assert torch.equal(TwoStreamBackbone.mirror(mirrored, dims), x)
