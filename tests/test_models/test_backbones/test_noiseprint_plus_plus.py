"""Noiseprint++: its released weights, strips, and that it is never trained."""

from pathlib import Path

import pytest
import torch
from mmengine.runner import load_checkpoint
from peer_trufor import TruForReference
from released_rule import STORED, filled

from focal_mmseg.models import NoiseprintPlusPlus
from focal_mmseg.models.backbones import noiseprint_plus_plus

RELEASED = STORED / 'noiseprint++.th'


def by_rule() -> NoiseprintPlusPlus:
    network = NoiseprintPlusPlus()
    network.load_state_dict(filled({name: value.shape for name, value in network.state_dict().items()}, gain=1.5))
    return network


def reference(network: NoiseprintPlusPlus) -> TruForReference:
    return TruForReference({f'dncnn.{name}': value for name, value in network.layers.state_dict().items()})


def image(*size: int) -> torch.Tensor:
    return torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))


def test_the_released_file_gives_what_the_formula_gives() -> None:
    if not RELEASED.is_file():
        pytest.skip(f'the released weights are not beside the repository, at {RELEASED}')
    network = NoiseprintPlusPlus(str(RELEASED))
    network.init_weights()
    network.require_weights()
    assert sum(value.numel() for value in network.state_dict().values()) == 559_184
    found, wanted = network(image(41, 53)), reference(network).noiseprint(image(41, 53))
    assert found.shape == (1, 1, 41, 53) and found.std() > 1e-3
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-6)


def test_weights_by_the_rule_give_what_the_formula_gives() -> None:
    network = by_rule()
    wanted = reference(network).noiseprint(image(20, 31))
    torch.testing.assert_close(network(image(20, 31)), wanted, rtol=0, atol=1e-5 * float(wanted.std()))


@pytest.mark.parametrize(
    ('size', 'pixels', 'strips'),
    [((97, 10), 10 * 75, 3), ((83, 7), 7 * 80, 2), ((75, 7), 7 * 75, 1), ((35, 10), 1, 1), ((20, 10), 400, 0)],
)
def test_strips_give_the_same_numbers(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], pixels: int, strips: int
) -> None:
    network, batch = by_rule(), image(*size).repeat(2, 1, 1, 1)
    batch[1:] *= 0.5
    wanted = network.layers(batch)
    monkeypatch.setattr(noiseprint_plus_plus, 'PIXELS_AT_ONCE', pixels)
    seen = []
    network.layers.register_forward_hook(lambda module, args, output: seen.append(args[0].shape))
    torch.testing.assert_close(network(batch), wanted, rtol=0, atol=1e-5 * float(wanted.std()))
    # No strips: both images at once.
    assert len(seen) == 2 * strips or (len(seen) == 1 and seen[0][0] == 2 and not strips)


def test_half_precision_does_not_reach_it() -> None:
    network, x = by_rule(), image(12, 12)
    with torch.autocast('cpu', torch.bfloat16):
        found = network(x)
    assert torch.equal(found, network(x)) and found.dtype == torch.float32
    with torch.device('meta'):
        assert NoiseprintPlusPlus()(torch.rand(2, 3, 1024, 1024)).shape == (2, 1, 1024, 1024)


def test_a_training_leaves_it_alone() -> None:
    network = by_rule()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network.train()
    assert not any(module.training for module in network.modules())
    found = network(image(8, 8).requires_grad_())
    assert not found.requires_grad and not any(each.requires_grad for each in network.parameters())
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_random_weights_are_refused_until_a_checkpoint_brings_some(tmp_path: Path) -> None:
    network = NoiseprintPlusPlus()
    network.init_weights()
    with pytest.raises(ValueError, match=r'Noiseprint\+\+ has random weights .*checkpoint_path'):
        network.require_weights()
    outer = torch.nn.ModuleDict(dict(noiseprint=network, other=torch.nn.Linear(1, 1)))
    torch.save(dict(state_dict=outer['other'].state_dict(prefix='other.')), tmp_path / 'other.pth')
    load_checkpoint(outer, str(tmp_path / 'other.pth'))
    assert not network.has_weights
    torch.save(dict(state_dict=outer.state_dict()), tmp_path / 'whole.pth')
    load_checkpoint(outer, str(tmp_path / 'whole.pth'))
    network.require_weights()


def test_another_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match='nowhere'):
        NoiseprintPlusPlus(str(tmp_path / 'nowhere.th')).init_weights()
    for content in (dict(network=torch.nn.Linear(1, 1).state_dict()), [1, 2]):
        torch.save(content, tmp_path / 'other.th')
        with pytest.raises(ValueError, match=r"other.th is not Noiseprint\+\+'s released file"):
            NoiseprintPlusPlus(str(tmp_path / 'other.th')).init_weights()
    (tmp_path / 'broken.th').write_bytes((tmp_path / 'other.th').read_bytes()[:40])
    with pytest.raises(ValueError, match='cannot be read'):
        NoiseprintPlusPlus(str(tmp_path / 'broken.th')).init_weights()
    with pytest.raises(ValueError, match='checkpoint_path'):
        NoiseprintPlusPlus(init_cfg=dict(type='Pretrained', checkpoint='x'))
