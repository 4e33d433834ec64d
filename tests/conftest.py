"""What tests of several parts share."""

import gc
import importlib.util
import os
import runpy
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType

# Where pytest-xdist runs several processes, each has one thread. The libraries read this when they are imported.
if 'PYTEST_XDIST_WORKER' in os.environ:
    os.environ['OMP_NUM_THREADS'] = '1'

import cv2
import numpy as np
import pytest
import torch
from filelock import FileLock
from hypothesis import settings
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmengine.visualization import Visualizer
from mmseg.visualization import SegLocalVisualizer

import focal_mmseg  # noqa: F401
from focal_mmseg.datasets.synthesis import Sources, load_packaged, read_recipe, synthesize

# A slow machine is no failure, and a failure must be the same at the next run.
settings.register_profile('steady', deadline=None, derandomize=True)
settings.load_profile('steady')
# Small files are made and removed by the thousand. A disk can take longer for them than all that is tested, so they lie
# in memory where there is room.
MEMORY, ROOM = '/dev/shm', 4 * 2**30
if 'TMPDIR' not in os.environ and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
    os.environ['TMPDIR'] = tempfile.tempdir = MEMORY

ROOT = Path(__file__).parents[1]
SIDE = 128
# Fixtures that run a tool or a training, and names that a module imports to do so.
SLOW_FIXTURES = {'classifier', 'run_tool', 'trained'}
SLOW_IMPORTS = {'Runner', 'subprocess'}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what trains or tests by a runner, or starts processes."""
    for item in items:
        # An example in a docstring has neither.
        fixtures, module = getattr(item, 'fixturenames', ()), getattr(item, 'module', None)
        if SLOW_FIXTURES.intersection(fixtures) or SLOW_IMPORTS.intersection(dir(module)):
            item.add_marker(pytest.mark.slow)


def pytest_collection_finish() -> None:
    """Leave what was imported out of every collection of garbage; mmengine collects whenever it builds a data set."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _own_visualizer() -> None:
    """mmengine keeps one visualizer a process, with the folder that it was first given: that of another test."""
    for visualizer in (Visualizer, SegLocalVisualizer):
        visualizer._instance_dict.clear()


@pytest.fixture(scope='session')
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope='session', autouse=True)
def _mmseg_scope_of_fixtures() -> None:
    """The same for fixtures that are made once for many tests, whichever test comes first."""
    init_default_scope('mmseg')


@pytest.fixture(autouse=True)
def _mmseg_scope() -> None:
    """Registries are asked in mmseg's scope, as mmseg's own scripts do."""
    init_default_scope('mmseg')


@pytest.fixture(scope='session')
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], None]], Path]:
    """Gives a folder by its name, which the first of the processes that share the tests fills, and no test changes."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if 'PYTEST_XDIST_WORKER' in os.environ else base

    def folder_of(name: str, fill: Callable[[Path], None]) -> Path:
        folder, done = base / name, base / f'{name}.done'
        with FileLock(base / f'{name}.lock'):
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                fill(folder)
                done.touch()
        return folder

    return folder_of


@pytest.fixture(scope='session')
def forged_set(made_once: Callable[..., Path]) -> Path:
    """Eight small images, forged from real photographs, in train/ and test/."""

    def fill(folder: Path) -> None:
        sources = Sources({name: load_packaged(name) for name in ('chelsea', 'coffee')})
        recipe = replace(read_recipe('demo'), size=SIDE)
        counts = {'splice': 2, 'copy-move': 1, 'pristine': 1}
        for part, seed in (('train', 0), ('test', 1)):
            synthesize(sources, recipe, counts, folder / part, seed)

    return made_once('forged_set', fill)


def read_small(path: Path, forged_set: Path, work_dir: Path, **options: object) -> Config:
    """Read a config and bring it to a size that a test can run: small images, no download, one step."""
    cfg = Config.fromfile(path)
    cfg.merge_from_dict(
        {
            'work_dir': str(work_dir),
            'model.backbone.init_cfg': None,
            'model.data_preprocessor.size': (SIDE, SIDE),
            'train_dataloader.batch_size': 2,
            'train_cfg.max_iters': 1,
            'default_hooks.logger.interval': 1,
            **options,
        }
    )
    for part, loader in (('train', cfg.train_dataloader), ('test', cfg.val_dataloader), ('test', cfg.test_dataloader)):
        if loader:
            loader.update(num_workers=0, persistent_workers=False)
            loader.dataset.data_root = str(forged_set / part)
            loader.dataset.data_prefix = dict(img_path='images', seg_map_path='masks')
            _shrink(loader.dataset.pipeline)
    _shrink(cfg.test_pipeline)
    _shrink(cfg.tta_pipeline)
    return cfg


def _shrink(transforms: list | None) -> None:
    """Make every Resize of a pipeline go to SIDE, those inside TestTimeAug too."""
    for transform in transforms or ():
        if isinstance(transform, list):
            _shrink(transform)
        elif transform['type'] == 'Resize':
            transform['scale'] = (SIDE, SIDE)
        elif transform['type'] == 'TestTimeAug':
            _shrink(transform['transforms'])


@pytest.fixture
def small_config(forged_set: Path, tmp_path: Path) -> Callable[..., Config]:
    """:func:`read_small` on the forged set, with a work dir of the test's own."""
    return lambda path, **options: read_small(path, forged_set, tmp_path / 'work', **options)


def train_once(name: str, forged_set: Path, work_dir: Path) -> None:
    """Leave a demo config at test size, as ``config.py``, and a checkpoint of one training step."""
    init_default_scope('mmseg')
    options = {'default_hooks.checkpoint.interval': 1}
    cfg = read_small(ROOT / 'configs' / 'demo' / name, forged_set, work_dir, **options)
    cfg.dump(work_dir / 'config.py')
    Runner.from_cfg(cfg).train()


@pytest.fixture(scope='session')
def trained(forged_set: Path, made_once: Callable[..., Path]) -> tuple[Path, Path]:
    """The config and the checkpoint of FOCAL by :func:`train_once`."""
    folder = made_once('trained', lambda folder: train_once('focal_hrnet-compact.py', forged_set, folder))
    return folder / 'config.py', folder / 'iter_1.pth'


@pytest.fixture(scope='session')
def classifier(forged_set: Path, made_once: Callable[..., Path]) -> tuple[Path, Path]:
    """The config and the checkpoint of the baseline under cross-entropy by :func:`train_once`."""
    folder = made_once('classifier', lambda folder: train_once('fcn_hrnet-compact.py', forged_set, folder))
    return folder / 'config.py', folder / 'iter_1.pth'


@contextmanager
def shapes_only() -> Iterator[None]:
    """Build networks of the block on the meta device, where they have shapes and no values.

    Backbones of mmseg, mmpretrain and timm read the rates of their dropout off ``torch.linspace``, which has values.
    """
    with torch.device('meta'), pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, 'linspace', partial(torch.linspace, device='cpu'))
        yield


@pytest.fixture(name='shapes_only')
def _shapes_only() -> Callable[[], AbstractContextManager[None]]:
    return shapes_only


@pytest.fixture
def run_tool(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Runs a script as `python script arguments` does, in this process."""

    def run(script: Path, *arguments: str | Path) -> None:
        monkeypatch.setattr(sys, 'argv', [str(script), *map(str, arguments)])
        monkeypatch.setattr(sys, 'path', [str(script.parent), *sys.path])
        monkeypatch.setenv('TORCH_FORCE_WEIGHTS_ONLY_LOAD', '1')
        monkeypatch.setenv('LOCAL_RANK', '0')
        runpy.run_path(str(script), run_name='__main__')

    return run


@pytest.fixture(scope='session')
def load_tool() -> Callable[[str], ModuleType]:
    """A script below tools/ as a module, for tests of its single functions."""

    def load(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(Path(name).stem, ROOT / 'tools' / name)
        module = importlib.util.module_from_spec(spec)
        # Dataclasses look their module up.
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture
def image_path(tmp_path: Path) -> Path:
    """An image of another size than the network's input, as a file."""
    image = cv2.resize(load_packaged('chelsea')[..., ::-1], (150, 90))
    path = tmp_path / 'an image.png'
    cv2.imwrite(str(path), np.ascontiguousarray(image))
    return path
