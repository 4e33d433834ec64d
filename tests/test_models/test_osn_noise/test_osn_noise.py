"""The noise of a training: what is frozen, what is remembered."""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.models import OSNNoise
from focal_mmseg.models.osn_noise import AdversarialMemory, ResidualUNet, soft_jpeg

SIZE = (32, 48)


def images(count: int = 2) -> Tensor:
    return torch.rand(count, 3, *SIZE, generator=torch.Generator().manual_seed(0)) * 2 - 1


def unet(width: int = 4) -> ResidualUNet:
    torch.manual_seed(0)
    found = ResidualUNet(width)
    for name, value in found.state_dict().items():
        if 'running_var' in name:
            value.uniform_(0.5, 1.5)
        elif 'num_batches' not in name:
            value.normal_(std=0.4)
    found.eval()
    return found


# --- U-Net


def stated(state: dict[str, Tensor], values: Tensor) -> Tensor:
    def pair(values: Tensor, *names: str) -> Tensor:
        for conv, norm in zip(names[::2], names[1::2], strict=True):
            values = F.conv2d(values, state[f'{conv}.weight'], state[f'{conv}.bias'], padding=1)
            mean, var, scale, shift = (
                state[f'{norm}.{part}'][:, None, None] for part in ('running_mean', 'running_var', 'weight', 'bias')
            )
            values = ((values - mean) / (var + 1e-5).sqrt() * scale + shift).relu()
        return values

    image, kept = values, []
    for level in range(5):
        if level:
            values = F.max_pool2d(values, 2)
        here = f'downs.{level}'
        values = pair(values, f'{here}.0', f'{here}.1', f'{here}.3', f'{here}.4')
        kept.append(values)
    for level in range(4):
        values = values.repeat_interleave(2, 2).repeat_interleave(2, 3)
        values = pair(values, f'ups.{level}.1', f'ups.{level}.2')
        here = f'merges.{level}'
        values = torch.cat([kept[3 - level], values], 1)
        values = pair(values, f'{here}.0', f'{here}.1', f'{here}.3', f'{here}.4')
    return 0.02 * F.conv2d(values, state['last.weight'], state['last.bias']).tanh() + 0.98 * image


@torch.no_grad()
def test_the_unet_is_equal_to_the_statement() -> None:
    network = unet()
    found, wanted = network(images()), stated(network.state_dict(), images())
    torch.testing.assert_close(found, wanted)
    residual = (wanted - 0.98 * images()) / 0.02
    assert residual.std() > 0.1 and float(residual.abs().max()) <= 1 + 1e-4


def test_the_unet_has_the_published_number_of_parameters() -> None:
    with torch.device('meta'):
        network = ResidualUNet()
    assert sum(value.numel() for value in network.parameters()) == 34_527_171


def test_the_unet_names_sides_that_cannot_be_halved_four_times() -> None:
    with pytest.raises(ValueError, match=r'multiples of 16, got \(32, 40\)'):
        unet()(torch.zeros(1, 3, 32, 40))


# --- adversarial memory


def test_a_memory_begins_without_noise_and_remembers_signs() -> None:
    memory = AdversarialMemory(SIZE, entries=4)
    noise = memory(images())
    assert not noise.any() and noise.requires_grad
    weights = torch.randn(2, 3, *SIZE)
    ((images() + noise) * weights).sum().backward()
    assert torch.equal(memory.signs[1:3], weights.sign().to(torch.int8))
    assert not memory.signs[0].any() and not memory.signs[3].any() and int(memory.seen) == 2


def test_the_oldest_is_written_over_and_the_one_without_noise_stays() -> None:
    memory = AdversarialMemory(SIZE, entries=3)
    for step in range(4):
        (memory(images(1)) * (1 if step % 2 else -1)).sum().backward()
    assert not memory.signs[0].any()
    assert bool((memory.signs[1] == -1).all()) and bool((memory.signs[2] == 1).all())


def test_noise_is_a_sum_of_entries_held_within_the_bound_after_each() -> None:
    memory = AdversarialMemory((1, 2), entries=3, added=5)
    memory.signs[1] = torch.tensor([1, 1]).to(torch.int8)
    memory.signs[2] = torch.tensor([1, -1]).to(torch.int8)
    memory.seen += 2
    found = {tuple(memory(torch.zeros(1, 3, 1, 2))[0, 0, 0].mul(255 / 4).round().tolist()) for _ in range(40)}
    # All entries are taken; 1 + 1 is held at 1, and what cancels cancels.
    assert found == {(1.0, 0.0)}
    memory.added = 1
    found = {tuple(memory(torch.zeros(1, 3, 1, 2))[0, 0, 0].mul(255 / 4).round().tolist()) for _ in range(80)}
    assert found == {(0.0, 0.0), (1.0, 1.0), (1.0, -1.0)}


def test_a_broken_gradient_is_no_direction() -> None:
    memory = AdversarialMemory((1, 1))
    (memory(torch.zeros(1, 3, 1, 1)) * torch.tensor([float('nan'), 2.0, -2.0])[:, None, None]).sum().backward()
    assert memory.signs[1].flatten().tolist() == [0, 1, -1]


@pytest.mark.parametrize('options', [dict(entries=1), dict(added=0), dict(bound=0), dict(size=(0, 4)), dict(size=(4,))])
def test_a_memory_names_an_option_out_of_its_range(options: dict) -> None:
    with pytest.raises(ValueError, match='a memory needs'):
        AdversarialMemory(**{'size': SIZE, **options})


# --- all of it


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.save({f'noise.unet.{name}': value for name, value in unet().state_dict().items()}, tmp_path / 'unet.pth')
    return tmp_path / 'unet.pth'


def test_unet_then_jpeg_then_noise(weights: Path) -> None:
    noise = OSNNoise(SIZE, str(weights), quality=80, width=4)
    noise.init_weights()
    noise.train()
    found = noise(images())
    wanted = soft_jpeg((stated(unet().state_dict(), images()) + 1) * 127.5, 80) / 127.5 - 1
    torch.testing.assert_close(found.detach(), wanted.clamp(-1, 1), atol=2e-4, rtol=0)
    found.sum().backward()
    assert int(noise.adversary.seen) == 2
    again = noise(images()).detach()
    assert float(again.abs().max()) <= 1 and 0 < float((again - found.detach()).abs().max()) <= 4 / 255 + 1e-6


def test_the_unet_does_not_learn(weights: Path) -> None:
    noise = OSNNoise(SIZE, str(weights), width=4)
    noise.init_weights()
    before = {name: value.clone() for name, value in noise.unet.state_dict().items()}
    noise.train()
    noise(images()).sum().backward()
    assert not noise.unet.training and not any(value.requires_grad for value in noise.parameters())
    assert all(torch.equal(value, before[name]) for name, value in noise.unet.state_dict().items())


def test_the_memory_goes_on_from_a_checkpoint() -> None:
    first, second = OSNNoise(SIZE), OSNNoise(SIZE)
    first(images()).square().sum().backward()
    second.load_state_dict(first.state_dict())
    torch.manual_seed(3)
    wanted = first(images())
    torch.manual_seed(3)
    assert torch.equal(second(images()), wanted)


def test_parts_can_be_left_out_and_the_quality_drawn() -> None:
    noise = OSNNoise(SIZE, quality=(71, 95), entries=0)
    assert noise.unet is None and noise.adversary is None and not noise.state_dict()
    first, second = noise(images()), noise(images())
    assert not first.requires_grad and not torch.equal(first, second)


def test_weights_that_are_not_the_unets_are_named(tmp_path: Path, weights: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r'nowhere\.pth does not exist'):
        OSNNoise(SIZE, 'nowhere.pth', width=4).init_weights()
    with pytest.raises(ValueError, match=r'model\.noise\.checkpoint=.*unet\.pth does not fit'):
        OSNNoise(SIZE, str(weights), width=8).init_weights()
    torch.save(unet().state_dict(), tmp_path / 'bare.pth')
    with pytest.raises(ValueError, match='does not fit'):
        OSNNoise(SIZE, str(tmp_path / 'bare.pth'), width=4).init_weights()


def test_images_of_another_size_are_named() -> None:
    with pytest.raises(ValueError, match=r'for images of \(32, 48\), got \(48, 32\)'):
        OSNNoise(SIZE)(images().transpose(2, 3))


@pytest.mark.parametrize('quality', [0, (95, 71), (50, 101)])
def test_a_quality_out_of_its_range_is_named(quality: object) -> None:
    with pytest.raises(ValueError, match='quality must be above 0'):
        OSNNoise(SIZE, quality=quality)
