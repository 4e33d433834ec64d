"""Curves and sample images in other programs."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from mmengine.visualization import Visualizer
from mmseg.registry import VISBACKENDS
from mmseg.visualization import SegLocalVisualizer

from focal_mmseg.apis.tracking import TRACKERS, use_trackers


def test_tensorboard_gets_losses_figures_and_images(
    root: Path, small_config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('focal_mmseg.apis.tracking.INTERVAL', 4)
    reader = pytest.importorskip('tensorboard.backend.event_processing.event_accumulator')
    for visualizer in (Visualizer, SegLocalVisualizer):
        visualizer._instance_dict.clear()
    options = {'train_cfg.max_iters': 2, 'train_cfg.val_interval': 2, 'default_hooks.checkpoint.interval': 2}
    cfg = small_config(root / 'configs' / 'focal_hrnet.py', **options)
    cfg.model = Config.fromfile(root / 'configs' / 'demo' / 'focal_hrnet-compact.py').model
    cfg.model.data_preprocessor.size = (128, 128)
    use_trackers(cfg, ['tensorboard'])
    Runner.from_cfg(cfg).train()
    (folder,) = {path.parent for path in Path(cfg.work_dir).rglob('events.out.tfevents.*')}
    found = reader.EventAccumulator(str(folder), size_guidance=dict(images=0)).Reload()
    assert {'loss', 'lr', 'forgery/iou', 'forgery/auc'} <= set(found.Tags()['scalars'])
    assert len(found.Scalars('loss')) == 2
    # After the second step, so that the third of the four images is drawn.
    (tag,) = found.Tags()['images']
    drawn = found.Images(tag)[0]
    # The truth on the left, the mask on the right.
    assert tag.startswith('val_') and (drawn.width, drawn.height) == (2 * 128, 128)
    assert list(Path(cfg.work_dir).rglob('scalars.json'))


def test_a_package_that_is_missing_is_named(
    root: Path, small_config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('focal_mmseg.apis.tracking.find_spec', lambda name: None)
    cfg = small_config(root / 'configs' / 'focal_hrnet.py')
    with pytest.raises(ModuleNotFoundError, match='--track mlflow needs the package mlflow: pip install mlflow'):
        use_trackers(cfg, ['mlflow'])


def test_without_a_validation_the_user_is_told_that_there_are_no_images(
    root: Path, small_config: Callable[..., Config]
) -> None:
    pytest.importorskip('tensorboard')
    cfg = small_config(root / 'configs' / 'focal_hrnet.py')
    cfg.val_dataloader = None
    with pytest.warns(UserWarning, match=r'--track tensorboard: val_dataloader is None.*no images'):
        use_trackers(cfg, ['tensorboard'])


@pytest.mark.parametrize('name', TRACKERS)
def test_a_tracker_that_is_installed_takes_values_and_images_offline(
    name: str, root: Path, small_config: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(name, reason=f'{name} is not installed')
    monkeypatch.setenv('WANDB_MODE', 'offline')
    monkeypatch.setenv('WANDB_DIR', str(tmp_path))
    # Set and taken away, so that what use_trackers sets is taken away again.
    monkeypatch.setenv('MLFLOW_ALLOW_FILE_STORE', '')
    monkeypatch.delenv('MLFLOW_ALLOW_FILE_STORE')
    cfg = small_config(root / 'configs' / 'focal_hrnet.py')
    cfg.work_dir = str(tmp_path / 'log')
    use_trackers(cfg, [name])
    backend = VISBACKENDS.build(dict(**cfg.visualizer.vis_backends[-1], save_dir=cfg.work_dir))
    backend.add_config(cfg)
    backend.add_scalars(dict(loss=0.5), step=1)
    backend.add_image('val_1.png', np.zeros((8, 9, 3), np.uint8), step=1)
    backend.close()
    assert name != 'mlflow' or list((tmp_path / 'log').rglob('val_1.png'))
    assert any(path.is_file() for path in tmp_path.rglob('*'))


def test_every_tracker_is_a_backend_of_mmengine() -> None:
    assert all(VISBACKENDS.get(name) is not None for name in TRACKERS.values())
