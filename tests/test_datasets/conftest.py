"""What the tests of the data share."""

import copy
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmseg.registry import DATASETS

from focal_mmseg.datasets import ForgeryDataset
from focal_mmseg.datasets.synthesis import load_packaged

SCALE = (32, 24)


@pytest.fixture(scope='session')
def photograph() -> np.ndarray:
    """A real photograph, small: uint8 RGB of shape (60, 90, 3)."""
    return cv2.resize(load_packaged('chelsea'), (90, 60), interpolation=cv2.INTER_AREA)


@pytest.fixture(scope='session')
def half_mask() -> np.ndarray:
    """A mask of the photograph's size whose left third is white."""
    mask = np.zeros((60, 90), np.uint8)
    mask[:, :30] = 255
    return mask


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, np.ndarray | bytes], Path]:
    """Writes an RGB or grey image, or bytes, below the test's folder."""

    def to_file(name: str, content: np.ndarray | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, np.ndarray):
            content = cv2.imencode(path.suffix.lower(), content[..., ::-1] if content.ndim == 3 else content)[1]
        path.write_bytes(bytes(content))
        return path

    return to_file


@pytest.fixture(scope='session')
def data_config(root: Path) -> Config:
    """The base config of the data."""
    return Config.fromfile(root / 'configs' / '_base_' / 'datasets' / 'forgery.py')


@pytest.fixture
def dataset(data_config: Config, tmp_path: Path) -> Callable[..., ForgeryDataset]:
    """Builds the data set of the test's folder with a pipeline of configs/_base_/datasets/forgery.py, made small.

    In place of its name a pipeline itself may be given.
    """

    def build(pipeline: str | list = 'test', scale: tuple[int, int] = SCALE, flip: float = 0.0, **options: object):
        transforms = copy.deepcopy(pipeline if isinstance(pipeline, list) else data_config[f'{pipeline}_pipeline'])
        for transform in transforms:
            if transform['type'] == 'Resize':
                transform['scale'] = scale
            elif transform['type'] == 'RandomFlip':
                transform['prob'] = flip
        given = dict(
            type=data_config.dataset_type,
            data_root=str(tmp_path),
            data_prefix=dict(img_path='images', seg_map_path='masks'),
            pipeline=transforms,
            test_mode=pipeline != 'train',
            serialize_data=False,
        )
        return DATASETS.build({**given, **options})

    return build
