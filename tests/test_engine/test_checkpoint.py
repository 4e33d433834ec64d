"""Checkpoints are read without running code from them, and only used where they fit."""

import io
import os
import pickle
import random
import zipfile
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import checkpoint as checkpoint_of_mmengine
from torch import nn

from focal_mmseg.engine.checkpoint import (
    NAMES_SHOWN,
    extract_state_dict,
    find_misfits,
    load_weights,
    load_weights_only,
    require_fit,
    require_source,
)

pytestmark = pytest.mark.filterwarnings('ignore:Detected pickle protocol')

NUMPY_CORE = b'numpy._core.multiarray'


@pytest.fixture
def model() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))


def saved(content: object, path: Path, **options: object) -> Path:
    torch.save(content, path, **options)
    return path


def assert_same(found: dict, expected: dict) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=0)


# --- what is read


def test_a_checkpoint_of_mmengine_is_read_though_it_holds_the_log(trained) -> None:
    content = torch.load(trained, weights_only=False)
    assert any(isinstance(value, HistoryBuffer) for value in content['message_hub']['log_scalars'].values())
    assert_same(load_weights(trained), content['state_dict'])


def test_a_checkpoint_that_was_written_beside_numpy_1_is_read(trained, tmp_path) -> None:
    older = tmp_path / 'older.pth'
    replaced = 0
    with zipfile.ZipFile(trained) as source, zipfile.ZipFile(older, 'w') as target:
        for name in source.namelist():
            content = source.read(name)
            replaced += content.count(NUMPY_CORE)
            target.writestr(name, content.replace(NUMPY_CORE, b'numpy.core.multiarray'))
    assert replaced
    assert_same(load_weights(older), load_weights(trained))


@pytest.mark.parametrize('as_zip', (True, False))
def test_a_bare_state_dict_is_read_in_both_formats_of_torch(model, tmp_path, as_zip) -> None:
    path = saved(model.state_dict(), tmp_path / 'bare.pth', _use_new_zipfile_serialization=as_zip)
    assert_same(load_weights(str(path)), model.state_dict())


# --- what is refused


@pytest.mark.parametrize('name', ('gone.pth', 'a_folder'))
def test_a_missing_file_is_named(tmp_path, name) -> None:
    (tmp_path / 'a_folder').mkdir()
    with pytest.raises(FileNotFoundError, match=rf'the checkpoint .*{name} does not exist'):
        load_weights(tmp_path / name)


@pytest.mark.parametrize('share', (0.0, 0.1, 0.5, 0.99))
def test_a_truncated_file_is_named(trained, share) -> None:
    content = trained.read_bytes()
    trained.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=rf'the checkpoint .*{trained.name} cannot be read: it is truncated'):
        load_weights(trained)


@pytest.mark.parametrize('as_zip', (True, False))
def test_whatever_is_damaged_the_error_names_the_file(model, tmp_path, as_zip) -> None:
    path = saved(model.state_dict(), tmp_path / 'damaged.pth', _use_new_zipfile_serialization=as_zip)
    content, chance = path.read_bytes(), random.Random(0)
    refused = 0
    for _ in range(300):
        damaged = bytearray(content)
        for _ in range(8):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(damaged)
        try:
            load_weights(path)
        except ValueError as error:
            assert 'damaged.pth' in str(error)
            refused += 1
    assert refused > 30


@pytest.mark.parametrize('content', (b'no checkpoint at all', b'\x80\x02', bytes(100)), ids=('text', 'start', 'zeros'))
def test_a_file_that_is_no_checkpoint_is_named(tmp_path, content) -> None:
    (tmp_path / 'other.pth').write_bytes(content)
    with pytest.raises(ValueError, match=r'other\.pth cannot be read: it is truncated, no checkpoint, or needs'):
        load_weights(tmp_path / 'other.pth')


@pytest.mark.parametrize(
    'content',
    (
        {},
        [1, 2],
        torch.zeros(3),
        dict(state_dict={}),
        dict(state_dict=5),
        dict(state_dict=dict(a=1)),
        dict(meta=dict(epoch=1)),
    ),
    ids=str,
)
def test_a_file_without_a_state_dict_is_named(tmp_path, content) -> None:
    path = saved(content, tmp_path / 'other.pth')
    with pytest.raises(ValueError, match=r'the checkpoint .*other\.pth holds no state dict'):
        load_weights(path)


class MakesAFolder:
    """Unpickling it makes a folder: a stand-in for any command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize('form', ('pickle', 'zip', 'legacy', 'in the meta'))
def test_code_in_a_checkpoint_is_refused_and_does_not_run(model, tmp_path, form) -> None:
    trace = tmp_path / 'trace'
    path = tmp_path / 'evil.pth'
    if form == 'pickle':
        path.write_bytes(pickle.dumps(MakesAFolder(trace)))
    elif form == 'in the meta':
        saved(dict(state_dict=model.state_dict(), meta=dict(cfg=MakesAFolder(trace))), path)
    else:
        evil = {**model.state_dict(), 'evil': MakesAFolder(trace)}
        saved(evil, path, _use_new_zipfile_serialization=form == 'zip')
    with pytest.raises(ValueError, match=r'evil\.pth cannot be read.*pickled objects.*can run code'):
        load_weights(path)
    assert not trace.exists()
    if form == 'zip':
        torch.load(path, weights_only=False)
        assert trace.is_dir(), 'the trap itself does not work'


def test_what_an_allowed_object_leads_to_cannot_be_called(tmp_path) -> None:
    method = b'cbuiltins\ngetattr\ncmmengine.logging.history_buffer\nHistoryBuffer\nX\x0e\0\0\0__subclasses__\x86R'
    path = tmp_path / 'evil.pth'
    buffer = io.BytesIO(saved(dict(a=1), tmp_path / 'model.pth').read_bytes())
    with zipfile.ZipFile(buffer) as source, zipfile.ZipFile(path, 'w') as target:
        for name in source.namelist():
            target.writestr(name, b'\x80\x02' + method + b')R.' if name.endswith('data.pkl') else source.read(name))
    with pytest.raises(ValueError, match=r"evil\.pth cannot be read.*getattr of '__subclasses__' is refused"):
        load_weights(path)
    assert torch.load(path, weights_only=False) == HistoryBuffer.__subclasses__(), 'the trap itself does not work'


class Reduces:
    """Pickles as a call, and sets items of its result."""

    def __init__(self, function: object, *arguments: object, items: dict | None = None) -> None:
        self.reduced = (
            (function, arguments) if items is None else (function, arguments, None, None, iter(items.items()))
        )

    def __reduce__(self) -> tuple:
        return self.reduced


def rewires_torch(command: str) -> list:
    """By getattr reaches the globals of a function that torch allows, and puts another one there that it then calls."""
    allowed = torch._utils._rebuild_tensor_v2

    def globals_of(items: dict | None = None) -> Reduces:
        return Reduces(getattr, allowed, '__globals__', items=items)

    def bag(**values: object) -> Reduces:
        made = Reduces(HistoryBuffer)
        made.reduced = HistoryBuffer, (), dict(values, statistics_methods={})
        return made

    parameter = Reduces(getattr, globals_of(), 'get')
    module = Reduces(torch._utils._rebuild_parameter, 'os', None, OrderedDict())
    return [
        globals_of({'torch': bag(nn=bag(Parameter=parameter))}),
        globals_of({'_get_restore_location': Reduces(getattr, module, 'system')}),
        Reduces(torch._utils._rebuild_device_tensor_from_numpy, None, None, command, False),
    ]


def test_getattr_leads_to_no_code(tmp_path) -> None:
    trace = tmp_path / 'trace'
    path = saved(dict(state_dict={}, evil=rewires_torch(f'touch {trace}')), tmp_path / 'evil.pth')
    before = dict(vars(torch._utils))
    try:
        with pytest.raises(ValueError, match=r"evil\.pth cannot be read.*getattr of '__globals__' is refused"):
            load_weights(path)
        assert not trace.exists()
    finally:
        vars(torch._utils).update(before)


def test_the_runner_loads_as_guarded(trained, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv('TORCH_FORCE_WEIGHTS_ONLY_LOAD', '0')
    monkeypatch.setattr(checkpoint_of_mmengine, 'get_torch_safe_globals', list, raising=False)
    load_weights_only()
    trace = tmp_path / 'trace'
    path = saved(dict(state_dict={}, evil=rewires_torch(f'touch {trace}')), tmp_path / 'evil.pth')
    before = dict(vars(torch._utils))
    try:
        with pytest.raises(ValueError, match="getattr of '__globals__' is refused"):
            checkpoint_of_mmengine.load_checkpoint(nn.Linear(1, 1), str(path))
        assert not trace.exists()
    finally:
        vars(torch._utils).update(before)
    found = checkpoint_of_mmengine.CheckpointLoader.load_checkpoint(str(trained))
    assert_same(found['state_dict'], load_weights(trained))


# --- what fits


def test_a_models_own_state_dict_fits(model) -> None:
    assert find_misfits(model, model.state_dict()) == []
    require_fit(model, model.state_dict(), 'the checkpoint')


def test_every_difference_is_told(model) -> None:
    state = model.state_dict()
    del state['1.bias']
    state['2.weight'] = torch.zeros(1)
    state['0.weight'] = torch.zeros(7, 2)
    assert find_misfits(model, state) == [
        'missing: 1.bias',
        'unexpected: 2.weight',
        '0.weight: (7, 2) in the checkpoint, (3, 2) in the model',
    ]


def test_a_misfit_is_refused_with_its_source_the_number_and_the_first_differences(model) -> None:
    state = {f'other.{number}': torch.zeros(1) for number in range(20)}
    with pytest.raises(ValueError, match=r'mine\.pth does not fit .*another backbone.*Use the config') as caught:
        require_fit(model, state, 'mine.pth')
    message = str(caught.value)
    assert f'({20 + len(model.state_dict())} differences)' in message
    assert 'missing: 0.weight' in message
    assert message.count('missing: ') + message.count('unexpected: ') == NAMES_SHOWN


def test_a_state_dict_is_found_bare_or_under_its_name(model) -> None:
    state = model.state_dict()
    assert extract_state_dict(state, 'it') is state
    assert extract_state_dict(dict(state_dict=state, meta={}), 'it') is state


# --- who goes without


class _Bare(nn.Module):
    needs_checkpoint = False


@pytest.mark.parametrize('kind', ['LyuNOI', 'PCANOI', 'ExternalMasks', 'FOCALFusion', _Bare])
def test_a_class_says_that_it_needs_no_checkpoint(kind, trained) -> None:
    require_source(dict(type=kind), None)
    require_source(dict(type=kind), trained)
    with pytest.raises(FileNotFoundError, match=r'nowhere\.pth does not exist'):
        require_source(dict(type=kind), 'nowhere.pth')


@pytest.mark.parametrize('kind', ['EncoderDecoder', 'FOCALEncoderDecoder', nn.Module, 'NoSuchModel'])
def test_any_other_class_needs_one(kind) -> None:
    with pytest.raises(ValueError, match='needs a checkpoint'):
        require_source(dict(type=kind, members=[1]), None)
