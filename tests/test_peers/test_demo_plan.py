"""The plan that trains networks of other authors on the demo: its options fit configs, images and models."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

from focal_mmseg.apis.run_config import parse_options, use_data
from focal_mmseg.comparison import read_plan
from focal_mmseg.utils import override, read_config

ROOT = Path(__file__).parents[2]
TRAINED = [run for run in read_plan(ROOT / 'configs' / 'plans' / 'demo_peers.yaml').runs if run.train]


def test_the_five_are_trained_and_nothing_is_validated(root: Path) -> None:
    assert [run.name for run in TRAINED] == ['TruFor', 'MVSS-Net', 'CAT-Net', 'IF-OSN', 'PSCC-Net']
    cfg = read_config(root / TRAINED[0].config)
    use_data(cfg, [root / name for name in TRAINED[0].data], ('train', 'val'))
    assert cfg.val_dataloader is None and cfg.train_dataloader.dataset.data_root == 'work_dirs/demo/data/train'


@pytest.mark.parametrize('run', TRAINED, ids=lambda run: run.name)
def test_its_images_are_of_the_size_that_the_model_takes(root: Path, run: object, tmp_path: Path) -> None:
    pytest.importorskip('jpeglib' if run.name == 'CAT-Net' else 'torch')
    init_default_scope('mmseg')
    cfg = read_config(root / run.config)
    override(cfg, parse_options(run.options))
    image = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (192, 192, 3), np.uint8), (0, 0), 2)
    cv2.imwrite(str(tmp_path / 'a.jpg'), image)
    mask = np.zeros((192, 192), np.uint8)
    mask[40:150, 30:160] = 255
    cv2.imwrite(str(tmp_path / 'a.png'), mask)
    options = dict(forged_is='white', mask_threshold=127, seg_fields=[])
    info = dict(img_path=str(tmp_path / 'a.jpg'), seg_map_path=str(tmp_path / 'a.png'), image_name='a', **options)
    packed = Compose(cfg.train_dataloader.dataset.pipeline)(info)
    assert packed['inputs'].shape[1:] == packed['data_samples'].gt_sem_seg.shape == cfg.model.data_preprocessor.size
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    assert not [name for name, value in model.named_parameters() if value.device.type != 'meta']
    assert cfg.optim_wrapper.optimizer == dict(type='AdamW', lr=5e-4, weight_decay=0.01)
