"""What holds for every file of the repository."""

import ast
from importlib.metadata import requires
from pathlib import Path

import pytest
import yaml

from focal_mmseg.weights import shipped

FOLDERS = ('focal_mmseg', 'tools', 'configs', 'tests')


def sources(root: Path) -> list[Path]:
    return [root / 'setup.py', *(path for folder in FOLDERS for path in sorted((root / folder).rglob('*.py')))]


@pytest.mark.parametrize('version', [(3, 10), (3, 12)])
def test_every_file_parses_on_the_oldest_and_newest_python(root: Path, version: tuple[int, int]) -> None:
    for path in sources(root):
        ast.parse(path.read_text(encoding='utf-8'), str(path), feature_version=version)


@pytest.mark.parametrize('wall', ['models/losses', 'clustering'])
def test_losses_and_clusterers_know_nothing_of_mm_but_the_registry(root: Path, wall: str) -> None:
    for path in sorted((root / 'focal_mmseg' / wall).rglob('*.py')):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.Import):
                assert not any(alias.name.startswith('mm') for alias in node.names), path
            elif isinstance(node, ast.ImportFrom) and (node.module or '').startswith('mm'):
                assert node.module == 'mmseg.registry', path


def test_noise_levels_need_nothing_but_numbers(root: Path) -> None:
    for path in sorted((root / 'focal_mmseg' / 'noise').rglob('*.py')):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            assert {name.split('.')[0] for name in names} <= {'collections', 'cv2', 'dataclasses', 'numpy', 'scipy'}, (
                path
            )


def test_data_and_evaluation_know_no_model(root: Path) -> None:
    for folder in ('datasets', 'evaluation'):
        for path in sorted((root / 'focal_mmseg' / folder).rglob('*.py')):
            text = path.read_text(encoding='utf-8')
            assert 'focal_mmseg.models' not in text, path
            assert 'focal_mmseg.clustering' not in text, path


def test_no_tool_patches_the_path_or_imports_another(root: Path) -> None:
    tools = sorted((root / 'tools').rglob('*.py'))
    names = {path.stem for path in tools}
    assert len(tools) > 20
    for path in tools:
        text = path.read_text(encoding='utf-8')
        assert 'sys.path' not in text, path
        for node in ast.walk(ast.parse(text)):
            imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert not node.level, path
                imported = [node.module]
            assert not names & {name.split('.')[0] for name in imported}, path


def test_the_index_of_models_names_files_that_are_there(root: Path) -> None:
    listed = yaml.safe_load((root / 'model-index.yml').read_text(encoding='utf-8'))['Import']
    for each in listed:
        found = yaml.safe_load((root / each).read_text(encoding='utf-8'))
        collections = {collection['Name'] for collection in found['Collections']}
        for model in found['Models']:
            assert model['In Collection'] in collections
            assert all((root / model[key]).is_file() for key in ('Config', 'Weights', 'README'))
            assert all(isinstance(value, float) for result in model['Results'] for value in result['Metrics'].values())
    assert {model['Name'] for model in found['Models']} == set(shipped())


def test_a_bare_install_brings_nothing_of_the_mm_stack() -> None:
    bare = [name for name in requires('focal_mmseg') if 'extra ==' not in name]
    assert any(name.startswith('hdbscan') for name in bare)
    assert not any('mm' in name or name.startswith('torchvision') for name in bare)
    assert any('onedl-mmsegmentation' in name and 'mmseg' in name for name in requires('focal_mmseg'))
