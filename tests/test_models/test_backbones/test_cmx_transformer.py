"""CMX: its parts; the numbers of the whole network are in tests/test_peers/test_trufor.py."""

from pathlib import Path

import pytest
import torch
from mmseg.models.backbones import MixVisionTransformer
from torch import nn

from focal_mmseg.models import CMXTransformer, TruForBackbone

SMALL = dict(embed_dims=4, num_layers=[1, 1, 1, 1], num_heads=[1, 2, 3, 4])


def small(**options: object) -> CMXTransformer:
    torch.manual_seed(0)
    network = CMXTransformer(**SMALL, **options)
    network.eval()
    return network


def test_each_stream_computes_what_mmsegs_transformer_does() -> None:
    network = small()
    for part in (*network.rectifications, *network.fusions):
        part.requires_grad_(False)
    theirs = MixVisionTransformer(**SMALL)
    theirs.load_state_dict(network.rgb.state_dict())
    theirs.eval()
    for layer, ours in zip(theirs.layers, network.rgb.layers, strict=True):
        for norm, own in ((a, b) for a, b in zip(layer.modules(), ours.modules(), strict=True)):
            if isinstance(norm, nn.LayerNorm):
                norm.eps = own.eps
    # A rectification whose gates are all but shut hands each stream on as it is.
    for rectify in network.rectifications:
        for gate in (rectify.channel_gate, rectify.spatial_gate):
            nn.init.zeros_(gate[2].weight)
            nn.init.constant_(gate[2].bias, -100)
    handed = []
    network.fusions[-1].register_forward_pre_hook(lambda module, args: handed.extend(args))
    images = torch.rand(2, 2, 3, 61, 45)
    with torch.no_grad():
        network(*images)
        torch.testing.assert_close(handed[0], theirs(images[0])[-1], rtol=1e-4, atol=1e-5)


def test_eps_is_that_of_the_released_norms() -> None:
    names = {name: module.eps for name, module in small().named_modules() if isinstance(module, nn.LayerNorm)}
    inner = {name for name in names if name.endswith('.0.norm') or name.endswith('attn.norm') or 'fusions' in name}
    assert len(inner) == 2 * (4 + 3) + 8 and len(names) > len(inner)
    assert all(eps == (1e-5 if name in inner else 1e-6) for name, eps in names.items())


def test_attention_weights_are_not_held() -> None:
    network, found = small(), []
    for module in network.modules():
        if isinstance(module, nn.MultiheadAttention):
            module.register_forward_hook(lambda module, args, output: found.append(output[1]))
    network(*torch.rand(2, 1, 3, 40, 40))
    assert found == [None] * 8


@pytest.mark.parametrize('size', [(29, 29), (64, 64), (61, 90), (31, 130)])
def test_maps_are_at_quarters_to_thirty_seconds_rounded_up(size: tuple[int, int]) -> None:
    with torch.no_grad():
        maps = small()(*torch.rand(2, 1, 3, *size))
    for number, found in enumerate(maps):
        assert found.shape == (1, 4 * (number + 1), *(-(-side // (4 << number)) for side in size))
        assert found.isfinite().all()


def test_a_rectification_is_the_same_for_both_sides() -> None:
    """Exchanged maps and exchanged gates give exchanged results."""
    rectify = small().rectifications[1]
    a, b = torch.rand(2, 2, 8, 5, 6)
    first, second = rectify(a, b)
    with torch.no_grad():
        for gate, width in ((rectify.channel_gate, 8), (rectify.spatial_gate, 1)):
            inward, outward = gate[0].weight, gate[2]
            chunks = inward.view(inward.shape[0], -1, 2, 8)
            inward.copy_(chunks.flip(2).reshape(inward.shape))
            for value in (outward.weight, outward.bias):
                value.copy_(torch.cat([value[width:], value[:width]]))
    swapped, other = rectify(b, a)
    torch.testing.assert_close((other, swapped), (first, second))


def test_both_streams_start_from_one_file(tmp_path: Path) -> None:
    start = MixVisionTransformer(**SMALL)
    torch.save(start.state_dict(), tmp_path / 'mit.pth')
    network = small(init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'mit.pth')))
    network.init_weights()
    for name, value in start.state_dict().items():
        assert torch.equal(network.rgb.state_dict()[name], value), name
        assert torch.equal(network.other.state_dict()[name], value), name
    linear = network.fusions[3].project[0].weight
    assert float(linear.std()) == pytest.approx(0.02, rel=0.2)


def test_recomputing_blocks_changes_no_gradient() -> None:
    gradients = []
    for with_cp in (False, True):
        network = small(with_cp=with_cp)
        sum(each.square().mean() for each in network(*torch.ones(2, 1, 3, 40, 40))).backward()
        gradients.append([each.grad for each in network.parameters()])
    assert all(each is not None for each in gradients[0])
    torch.testing.assert_close(*gradients)


def test_the_extractor_normalises_inside_and_refuses_what_is_too_small() -> None:
    extractor = TruForBackbone(**SMALL)
    extractor.eval()
    seen = []
    extractor.encoder.register_forward_pre_hook(lambda module, args: seen.extend(args))
    image = torch.rand(1, 3, 30, 29)
    with torch.no_grad():
        extractor(image)
        noiseprint = extractor.noiseprint(image)
    for channel, (mean, std) in enumerate(((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))):
        torch.testing.assert_close(seen[0][0, channel], (image[0, channel] - mean) / std)
        assert torch.equal(seen[1][0, channel], noiseprint[0, 0])
    with pytest.raises(ValueError, match='at least 29 pixels a side, got 28x90'):
        extractor(torch.rand(1, 3, 90, 28))
    extractor.train()
    with pytest.raises(ValueError, match='random weights'):
        extractor(image)
