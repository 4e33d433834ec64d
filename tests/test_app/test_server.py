"""The server keeps to its machine, and says what is wrong."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip('gradio', reason='needs the extra app')

from click.testing import CliRunner
from fastapi.testclient import TestClient

from focal_mmseg import cli
from focal_mmseg.app.models import Models
from focal_mmseg.app.server import _is_local, listen, make_app, serve


def test_a_taken_port_is_named() -> None:
    with listen('127.0.0.1', 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(OSError, match=rf'port {port}: Address already in use.*--port 0'):
            serve(port=port)
    with pytest.raises(OSError, match='port 70000 is none'):
        listen('127.0.0.1', 70000)


def test_help_and_a_model_that_is_missing(tmp_path: Path) -> None:
    assert '--port' in CliRunner().invoke(cli.main, ['serve', '--help']).output
    command = [sys.executable, '-m', 'focal_mmseg.app']
    ran = subprocess.run([*command, '--port', '0', '--config', 'nowhere.py'], capture_output=True, text=True)
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1].startswith('focal_mmseg.app: the config nowhere.py does not exist')


def test_only_addresses_of_this_machine_are_local() -> None:
    assert all(map(_is_local, ('127.0.0.1', '::1', 'localhost', '127.0.1.1')))
    assert not any(map(_is_local, ('0.0.0.0', '::', '192.168.0.2', 'example.org')))


def test_the_browser_is_told_to_ask_no_other_machine(tmp_path: Path) -> None:
    client = TestClient(make_app(Models(device='cpu'), tmp_path))
    answer = client.get('/')
    assert answer.status_code == 200
    assert "default-src 'self'" in answer.headers['Content-Security-Policy']
    assert client.get('/results/guessed/mask.png').status_code == 404
    assert client.get('/docs').status_code == 404


def test_no_file_of_this_machine_is_named_by_users_of_another(tmp_path: Path) -> None:
    shown = [TestClient(make_app(Models(device='cpu'), tmp_path, local)).get('/config').text for local in (True, False)]
    assert 'A checkpoint of your own' in shown[0] and 'A checkpoint of your own' not in shown[1]


def test_a_checkpoint_needs_its_config() -> None:
    with pytest.raises(ValueError, match='needs the config'):
        Models(checkpoint='a.pth')
