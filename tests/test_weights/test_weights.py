"""Networks that ship, and configs by name."""

from pathlib import Path

import pytest
import torch
from mmengine.runner import load_checkpoint
from torch import nn

import focal_mmseg.weights as weights
from focal_mmseg.engine.checkpoint import load_weights, read_checkpoint, require_source


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the package with one network."""
    monkeypatch.setattr(weights, 'FOLDER', tmp_path)
    torch.save(dict(state_dict=nn.Linear(2, 3).state_dict()), tmp_path / 'small.pth')
    (tmp_path / 'small.md').write_text('a card')
    return tmp_path


def test_a_name_means_the_file_in_the_package(folder: Path) -> None:
    assert weights.shipped() == ['small']
    assert weights.resolve_checkpoint('focal_mmseg://small') == folder / 'small.pth'


def test_a_calibration_lies_beside_the_network_that_ships(folder: Path, tmp_path_factory) -> None:
    assert weights.shipped_calibration('focal_mmseg://small') is None
    (folder / 'small.json').write_text('{}')
    for checkpoint in ('focal_mmseg://small', folder / 'small.pth', str(folder / '..' / folder.name / 'small.pth')):
        assert weights.shipped_calibration(checkpoint).resolve() == folder / 'small.json'
    elsewhere = tmp_path_factory.mktemp('mine')
    (elsewhere / 'small.json').write_text('{}')
    assert weights.shipped_calibration(elsewhere / 'small.pth') is None
    assert weights.shipped_calibration(None) is None


@pytest.mark.parametrize('name', ['large', 'small.pth', '../secret', '', '/etc/passwd'])
def test_a_name_that_does_not_ship_is_refused_with_those_that_do(folder: Path, name: str) -> None:
    with pytest.raises(FileNotFoundError, match=r'ships with focal_mmseg; there are small'):
        weights.resolve_checkpoint(f'focal_mmseg://{name}')


def test_any_other_path_stays_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('HOME', '/home/me')
    assert weights.resolve_checkpoint('a/b.pth') == Path('a/b.pth')
    assert weights.resolve_checkpoint(Path('b.pth')) == Path('b.pth')
    assert weights.resolve_checkpoint('~/b.pth') == Path('/home/me/b.pth')


def test_every_reader_of_checkpoints_knows_the_names(folder: Path) -> None:
    expected = torch.load(folder / 'small.pth', weights_only=True)['state_dict']
    for found in (load_weights('focal_mmseg://small'), read_checkpoint('focal_mmseg://small')['state_dict']):
        assert all(torch.equal(found[name], value) for name, value in expected.items())
    model = nn.Linear(2, 3)
    load_checkpoint(model, 'focal_mmseg://small', map_location='cpu')
    assert torch.equal(model.weight, expected['weight'])
    require_source(dict(type='FOCALEncoderDecoder'), 'focal_mmseg://small')
    with pytest.raises(FileNotFoundError, match='there are small'):
        load_checkpoint(model, 'focal_mmseg://large', map_location='cpu')


def test_configs_are_found_by_name_in_a_clone_and_in_an_installation(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = root / 'configs' / 'focal_lite.py'
    for config in ('focal_lite', 'focal_lite.py', expected, str(expected)):
        assert weights.find_config(config).resolve() == expected
    assert weights.find_config('baselines/fcn_lite').resolve() == root / 'configs' / 'baselines' / 'fcn_lite.py'
    installed = tmp_path / '.mim' / 'configs'
    installed.mkdir(parents=True)
    (installed / 'mine.v2.py').write_text('')
    monkeypatch.setattr(weights, 'CONFIG_FOLDERS', (tmp_path / 'nowhere', installed))
    assert weights.find_config('mine.v2') == weights.find_config('mine.v2.py') == installed / 'mine.v2.py'
    # A file beside the user goes before a name.
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'mine.v2.py').write_text('')
    assert weights.find_config('mine.v2.py') == Path('mine.v2.py')


@pytest.mark.parametrize('config', ['focal_light', 'nowhere/focal_lite.py', '/focal_lite'])
def test_a_config_that_is_nowhere_is_named(config: str) -> None:
    with pytest.raises(FileNotFoundError, match=f'the config {config} does not exist'):
        weights.find_config(config)
