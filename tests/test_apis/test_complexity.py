"""The costs of networks, against what can be counted by hand."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from torch import nn
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.apis import complexity

WIDTH, CLASSES = 8, 2


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A strided 3x3 convolution under a 1x1 one."""
    (tmp_path / 'one_conv.py').write_text(
        f"""from mmseg.registry import MODELS
from torch import nn


@MODELS.register_module(force=True)
class OneConv(nn.Module):
    def __init__(self, init_cfg):
        super().__init__()
        if init_cfg:
            raise ConnectionError('weights would be downloaded')
        self.conv = nn.Conv2d(3, {WIDTH}, 3, stride=2, padding=1)
        self.conv.bias.requires_grad = False

    def forward(self, x):
        return [self.conv(x)]
"""
    )
    path = tmp_path / 'tiny.py'
    path.write_text(
        f"""custom_imports = dict(imports=['one_conv', 'focal_mmseg'])
model = dict(
    type='EncoderDecoder',
    backbone=dict(type='OneConv', init_cfg=dict(type='Pretrained', checkpoint='https://localhost/none.pth')),
    decode_head=dict(type='FOCALHead', in_channels={WIDTH}, channels={CLASSES}),
)
"""
    )
    return path


def by_hand(size: int) -> int:
    """A multiply-add is two: 27 of them for an output of the first convolution, 8 for one of the second."""
    return 2 * (size // 2) ** 2 * (WIDTH * 3 * 3 * 3 + CLASSES * WIDTH)


@pytest.mark.slow
def test_a_tiny_config_costs_what_a_hand_counts_and_a_broken_one_is_named(
    tiny: Path,
    tmp_path: Path,
    load_tool: Callable,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    tool = load_tool('analysis_tools/complexity.py')
    apart = tool.measure_apart

    def measured(config: str, size: int, *options: object) -> dict:
        """One in a process of its own, which takes the path over; the others by the same function here."""
        return (apart if (config, size) == (str(tiny), 32) else complexity.measure)(config, size, *options)

    monkeypatch.setattr(tool, 'measure_apart', measured)
    monkeypatch.syspath_prepend(str(tmp_path))
    broken, out = tmp_path / 'broken.py', tmp_path / 'costs.json'
    broken.write_text("model = dict(type='NoSuchSegmentor')")
    options = ('--sizes', '32', '64', '--repeats', '1', '--out', str(out))
    monkeypatch.setattr('sys.argv', ['complexity.py', str(broken), str(tiny), *options])
    with pytest.raises(SystemExit) as stop:
        tool.main()
    said, why = capsys.readouterr().out, stop.value.code
    for size in (32, 64):
        assert f'failed: {broken} at {size}: ' in said and f'{broken} at {size}: ' in why
        assert f'{tiny} at {size}: ' in said
    assert 'NoSuchSegmentor' in why and str(tiny) not in why
    rows = json.loads(out.read_text())
    assert [(row['size'], row['flops']) for row in rows] == [(32, by_hand(32)), (64, by_hand(64))]
    for row in rows:
        assert row['parameters'] == (3 * 9 + 1) * WIDTH + (WIDTH + 1) * CLASSES
        assert row['trainable'] == row['parameters'] - WIDTH
        assert row['weights_mib'] == row['parameters'] * 4 / 2**20
        assert row['output'] == [[CLASSES, row['size'] // 2, row['size'] // 2]]
        assert row['images_per_second'] > 0


@pytest.mark.parametrize('name', ['focal_hrnet-compact', 'fcn_hrnet-compact'])
def test_parameters_are_those_of_the_model(root: Path, name: str) -> None:
    config = root / 'configs' / 'demo' / f'{name}.py'
    row = complexity.measure(str(config), 64, 'cpu', 1)
    (network,) = complexity.random_networks(Config.fromfile(config))
    assert row['parameters'] == sum(each.numel() for each in network.parameters())
    assert row['output'] == [tuple(network(torch.zeros(1, 3, 64, 64), mode='tensor').shape[1:])]


def test_memory_is_at_least_the_output(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path('/proc/self/clear_refs').exists():
        pytest.skip('only Linux tells the peak of the resident memory')
    monkeypatch.syspath_prepend(str(tiny.parent))
    row = complexity.measure(str(tiny), 2048, 'cpu', 1)
    assert row['memory_mib'] >= WIDTH * 1024**2 * 4 / 2**20


def test_a_fusion_is_the_sum_of_its_members_without_their_checkpoints(root: Path, tmp_path: Path) -> None:
    names = [str(root / 'configs' / 'demo' / f'{name}_hrnet-compact.py') for name in ('focal', 'fcn')]
    members = [dict(config=name, checkpoint='nowhere.pth') for name in names]
    members.append(dict(members[0], weight=0))
    path = tmp_path / 'fusion.py'
    path.write_text(f"model = dict(type='FOCALFusion', members={members!r})")
    whole, *parts = (complexity.measure(str(each), 64, 'cpu', 1) for each in (path, *names))
    for figure in ('parameters', 'trainable', 'flops', 'weights_mib', 'output'):
        assert whole[figure] == parts[0][figure] + parts[1][figure]


@pytest.mark.parametrize('fused', [True, False])
def test_attention_is_counted_fused_or_not(fused: bool) -> None:
    points, width = 10, 16
    tokens = torch.zeros(1, points, width)
    attention = nn.MultiheadAttention(width, 2, batch_first=True).eval()
    products = 2 * 2 * points * points * width
    with torch.no_grad():
        if fused:
            assert complexity.flops(lambda: F.scaled_dot_product_attention(tokens, tokens, tokens)) == products
        else:
            counted = complexity.flops(lambda: attention(tokens, tokens, tokens))
            assert counted == products + 2 * 4 * points * width * width
    assert torch.backends.mha.get_fastpath_enabled()


def test_weights_are_named_nowhere_in_a_model() -> None:
    names = dict(init_cfg=dict(type='Pretrained', checkpoint='https://localhost/a.pth'), pretrained='b.pth')
    node = dict(backbone=dict(stages=[dict(names, width=3)], sizes=(1, 2), **names), **names)
    nothing = dict(init_cfg=None, pretrained=None)
    wanted = dict(backbone=dict(stages=[dict(nothing, width=3)], sizes=(1, 2), **nothing), **nothing)
    assert complexity.drop_weights(node) == wanted
