"""The command focal-mmseg."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from focal_mmseg import cli, config_path
from focal_mmseg.engine.checkpoint import FORCED
from focal_mmseg.utils.arguments import CALLED_AS
from focal_mmseg.weights import config_names


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command changes the process's arguments and its name, and has torch load weights alone."""
    monkeypatch.setattr(sys, 'argv', ['focal-mmseg'])
    monkeypatch.setenv(FORCED, '1')
    token = CALLED_AS.set(None)
    yield
    CALLED_AS.reset(token)


def test_every_tool_has_its_examples_under_the_commands_name() -> None:
    for name in cli.TOOLS:
        found = CliRunner().invoke(cli.main, [name, '--help'])
        assert found.exit_code == 0, (name, found.output)
        assert f'usage: focal-mmseg {name}' in found.output
        assert f'\n  focal-mmseg {name}' in found.output and 'python tools/' not in found.output


def test_an_unknown_command_names_the_nearest() -> None:
    found = CliRunner().invoke(cli.main, ['pedict'])
    assert found.exit_code == 2 and 'did you mean predict?' in found.output


def test_list_names_configs_that_can_be_used() -> None:
    found = CliRunner().invoke(cli.main, ['list'])
    assert found.exit_code == 0
    for name in ('focal_lite', 'focal_vit', 'baselines/pca_noi'):
        assert f'  {name}\n' in found.output and Path(config_path(name)).is_file()
    folder = CliRunner().invoke(cli.main, ['list', '--folder']).output.strip()
    assert (Path(folder) / 'focal_vit.py').is_file()
    assert not any('_base_' in name for name in config_names())


def test_an_unknown_config_names_the_nearest() -> None:
    found = CliRunner().invoke(cli.main, ['test', 'focal_lit'])
    assert isinstance(found.exception, SystemExit)
    assert 'did you mean focal_lite?' in str(found.exception.code)


def test_a_photograph_is_predicted_in_words_and_as_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    photo = tmp_path / 'photo.jpg'
    cv2.imwrite(str(photo), cv2.resize(pixels, (128, 96), interpolation=cv2.INTER_CUBIC))
    command = [sys.executable, '-m', 'focal_mmseg', 'predict', str(photo), '--device', 'cpu']
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert said.stdout.startswith('photo.jpg: ') and 'called forged, image score' in said.stdout
    assert len(said.stdout.splitlines()) == 4 and 'calibrated for 5 % of pixels' in said.stdout and not said.stderr
    assert {'index.html', 'results.csv', 'photo.jpg'} <= {path.name for path in (tmp_path / 'predictions').iterdir()}
    monkeypatch.chdir(tmp_path)
    again = CliRunner().invoke(cli.main, [*command[3:], '--json'])
    assert again.exit_code == 0, again.output
    found = json.loads(again.stdout)
    assert list(found['images']) == ['photo.jpg'] and found['failures'] == {}
    assert 0 <= found['images']['photo.jpg']['forged_share'] <= 1
    (tmp_path / 'broken.jpg').write_text('no image')
    failed = CliRunner().invoke(cli.main, ['predict', 'broken.jpg', '--json', '--out', 'other'])
    assert failed.exit_code == 1 and list(json.loads(failed.stdout)['failures']) == ['broken.jpg']
