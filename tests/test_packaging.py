"""What an installation brings: a wheel is built of a copy of the repository."""

import shutil
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml

from focal_mmseg.weights import CONFIG_FOLDERS


@pytest.fixture(scope='module')
def wheel(tmp_path_factory: pytest.TempPathFactory, root: Path) -> ZipFile:
    folder = tmp_path_factory.mktemp('wheel')
    copy = folder / 'copy'
    copy.mkdir()
    for name in ('setup.py', 'pyproject.toml', 'README.md', 'LICENSE', 'model-index.yml'):
        shutil.copy(root / name, copy)
    for name in ('focal_mmseg', 'configs', 'tools'):
        shutil.copytree(root / name, copy / name, ignore=shutil.ignore_patterns('__pycache__'))
    (copy / 'focal_mmseg' / 'weights' / 'planted.pth').write_bytes(b'weights')
    (copy / 'focal_mmseg' / 'weights' / 'planted.md').write_text('a card')
    (copy / 'focal_mmseg' / 'weights' / 'planted.json').write_text('{}')
    options = ('--no-deps', '--no-build-isolation', '--no-index', '--quiet', '--wheel-dir', str(folder / 'out'))
    subprocess.run([sys.executable, '-m', 'pip', 'wheel', *options, str(copy)], check=True, capture_output=True)
    (path,) = (folder / 'out').glob('focal_mmseg-*.whl')
    with ZipFile(path) as file:
        yield file


def test_a_wheel_has_every_module_and_config(wheel: ZipFile, root: Path) -> None:
    names = set(wheel.namelist())
    modules = {path.relative_to(root).as_posix() for path in (root / 'focal_mmseg').rglob('*.py')}
    configs = [path for path in (root / 'configs').rglob('*') if path.suffix in ('.py', '.yaml')]
    assert len(modules) > 100 and len(configs) > 80
    assert modules <= names
    assert {f'focal_mmseg/.mim/{path.relative_to(root).as_posix()}' for path in configs} <= names
    assert not [name for name in names if '__pycache__' in name or name.startswith(('configs/', 'tests/', 'tools/'))]


def test_a_wheel_has_what_is_read_beside_the_code(wheel: ZipFile) -> None:
    names = set(wheel.namelist())
    files = (
        'datasets/synthesis/camera_tables.json',
        'weights/planted.pth',
        'weights/planted.md',
        'weights/planted.json',
        'py.typed',
    )
    assert {f'focal_mmseg/{name}' for name in files} <= names


def test_a_wheel_has_the_tools_but_no_benchmarks(wheel: ZipFile, root: Path) -> None:
    names = set(wheel.namelist())
    tools = [path.relative_to(root).as_posix() for path in (root / 'tools').glob('*.py')]
    assert len(tools) >= 9 and {f'focal_mmseg/.mim/{name}' for name in (*tools, 'model-index.yml')} <= names
    assert not [name for name in names if 'benchmarks' in name]


def test_the_command_works_without_a_clone(wheel: ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    (scripts,) = (name for name in wheel.namelist() if name.endswith('.dist-info/entry_points.txt'))
    assert 'focal-mmseg = focal_mmseg.cli:main' in wheel.read(scripts).decode()
    command = [sys.executable, '-m', 'focal_mmseg', 'predict', '--help']
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert 'usage: focal-mmseg predict' in ran.stdout and '  focal-mmseg predict photo.jpg' in ran.stdout


@pytest.fixture(scope='module')
def installed(wheel: ZipFile, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The folder of an installation without a clone, and what a process there says of an own and of its own config."""
    folder = tmp_path_factory.mktemp('installed')
    wheel.extractall(folder)
    (folder / 'mine.py').write_text("_base_ = __import__('focal_mmseg').config_path('focal_vit')\nmax_iters = 7\n")
    code = (
        'from mmengine.config import Config\n'
        "print(Config.fromfile('mine.py').model.backbone.type)\n"
        'from focal_mmseg.weights import find_config\n'
        "found = find_config('focal_lite')\n"
        'print(found)\n'
        'print(Config.fromfile(found).model.backbone.type)\n'
    )
    ran = subprocess.run([sys.executable, '-c', code], cwd=folder, capture_output=True, text=True, check=True)
    return folder, ran.stdout.splitlines()[-3:]


def test_an_own_config_inherits_an_installed_one(installed: tuple[Path, list[str]]) -> None:
    assert installed[1][0] == 'mmpretrain.ViTSAM'


def test_an_installed_config_is_found_and_read_without_a_clone(installed: tuple[Path, list[str]]) -> None:
    folder, (_, path, backbone) = installed
    assert Path(path) == folder / 'focal_mmseg' / '.mim' / 'configs' / 'focal_lite.py'
    assert backbone == 'TwoStreamBackbone'


def test_configs_of_a_clone_go_before_those_of_an_installation(root: Path) -> None:
    assert [folder.resolve() for folder in CONFIG_FOLDERS] == [
        root / 'configs',
        root / 'focal_mmseg' / '.mim' / 'configs',
    ]


def test_what_the_shipped_network_needs_comes_with_the_stack(wheel: ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith('.dist-info/METADATA'))
    needs = [line for line in wheel.read(name).decode().splitlines() if line.startswith('Requires-Dist:')]
    for package in ('jpeglib', 'timm'):
        assert any(package in line and "'mmseg'" in line.replace('"', "'") for line in needs), package
    assert any('jpeglib' in line and "'jpeg'" in line.replace('"', "'") for line in needs)
    assert requires('focal_mmseg')


def test_the_citation_has_what_its_format_requires(root: Path) -> None:
    found = yaml.safe_load((root / 'CITATION.cff').read_text(encoding='utf-8'))
    paper = found['preferred-citation']
    for each in (found, paper):
        assert each['title'] and each['authors'] and each['type']
    assert found['cff-version'] and found['message']
    assert [author['family-names'] for author in paper['authors']] == ['Wu', 'Chen', 'Zhou']
    assert paper['doi'].endswith('2308.09307') and paper['year'] == 2023
