"""The frame of the converters, on a small network."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from focal_mmseg.engine.checkpoint import load_weights
from focal_mmseg.engine.conversion import model_shapes

CONFIG = """
model = dict(
    type='EncoderDecoder',
    backbone=dict(type='ResNet', depth=18, num_stages=1, strides=(1,), dilations=(1,), out_indices=(0,)),
    decode_head=dict(
        type='DAHead', in_channels=64, channels=8, in_index=0, pam_channels=4, num_classes=2, out_channels=2
    ),
)
"""
TOOL = """
from focal_mmseg.engine.conversion import Dropped, Release, run

SMALL = Release('Small net', 'small.pth', {config!r}, 'None at all.', lambda name: (
    Dropped('spare', 'nothing reads it') if name.startswith('module.spare.') else name.removeprefix('module.')
    if name.startswith('module.') else None
))

run('Converts.', lambda state: SMALL)
"""


@pytest.fixture
def convert(run_tool: Callable, tmp_path: Path) -> Callable[..., dict]:
    (tmp_path / 'small.py').write_text(CONFIG)
    (tmp_path / 'tool.py').write_text(TOOL.format(config=str(tmp_path / 'small.py')))

    def run(*contents: object) -> dict:
        names = [tmp_path / f'{number}.pth' for number in range(len(contents))]
        for name, content in zip(names, contents, strict=True):
            torch.save(content, name)
        run_tool(tmp_path / 'tool.py', *names, tmp_path / 'out.pth')
        return load_weights(tmp_path / 'out.pth')

    return run


def released(tmp_path: Path) -> dict[str, torch.Tensor]:
    (tmp_path / 'small.py').write_text(CONFIG)
    return {f'module.{name}': torch.rand(shape) for name, shape in model_shapes(str(tmp_path / 'small.py')).items()}


def test_every_tensor_of_several_files_is_written_or_told(
    convert: Callable, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    state = released(tmp_path)
    gamma = 'module.decode_head.pam.gamma.scale'
    assert state[gamma].shape == ()
    first = {name: value for name, value in state.items() if 'backbone' in name}
    rest = {name: value for name, value in state.items() if name not in first}
    rest |= {gamma: state[gamma].reshape(1), 'module.spare.weight': torch.rand(3), 'module.spare.bias': torch.rand(1)}
    found = convert(dict(state_dict=first, epoch=3), rest)
    assert list(found) == [name.removeprefix('module.') for name in state]
    assert all(torch.equal(found[name.removeprefix('module.')], value) for name, value in state.items())
    told = capsys.readouterr().out
    assert f'Small net (small.pth): {len(state)} tensors written to' in told
    assert 'dropped: spare (2 tensors): nothing reads it' in told and 'licence: None at all.' in told
    assert f'python tools/test.py {tmp_path / "small.py"} {tmp_path / "out.pth"}' in told


def _without(state: dict) -> list[dict]:
    return [{name: value for name, value in state.items() if name != 'module.backbone.conv1.weight'}]


FAULTS = {
    'missing: backbone.conv1.weight': _without,
    'unexpected: module.other': lambda state: [state | {'module.other': torch.zeros(1)}],
    'unexpected: conv1.weight': lambda state: [state | {'conv1.weight': torch.zeros(1)}],
    r'module.backbone.bn1.weight: \(3,\) in the file, \(64,\) in the network': lambda state: [
        state | {'module.backbone.bn1.weight': torch.zeros(3)}
    ],
    'both have module.backbone.conv1.weight: give each file once': lambda state: [state, state],
    '1.pth: it holds no state dict': lambda state: [state, dict(epoch=3)],
    '0.pth.*needs pickled objects': lambda state: [Path('x'), state],
}


@pytest.mark.parametrize('message', FAULTS)
def test_what_is_not_the_release_is_named_and_nothing_written(convert: Callable, tmp_path: Path, message: str) -> None:
    contents = FAULTS[message](released(tmp_path))
    with pytest.raises(SystemExit, match=rf'(?s)0\.pth.*cannot be converted.*{message}.*as released'):
        convert(*contents)
    assert not (tmp_path / 'out.pth').exists()


def test_a_released_file_is_not_written_over(convert: Callable, run_tool: Callable, tmp_path: Path) -> None:
    convert(released(tmp_path))
    before = (tmp_path / '0.pth').read_bytes()
    with pytest.raises(SystemExit, match='is a released file itself'):
        run_tool(tmp_path / 'tool.py', tmp_path / '0.pth', tmp_path / '0.pth')
    assert (tmp_path / '0.pth').read_bytes() == before
    with pytest.raises(SystemExit, match=r'nowhere\.pth does not exist'):
        run_tool(tmp_path / 'tool.py', tmp_path / 'nowhere.pth', tmp_path / 'other.pth')
