"""The baselines under cross-entropy: mmseg's own segmentors through the same data, metric and tools."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from focal_mmseg.apis import FOCALInferencer
from focal_mmseg.evaluation.localisation import localisation_metrics

FULL = (
    'baselines/fcn_hrnet-w32',
    'baselines/segformer_mit-b2',
    'baselines/upernet_convnext-base',
    'baselines/deeplabv3plus_r50',
)
CONFIGS = (*FULL, 'demo/fcn_hrnet-compact')
TWINS = {
    'baselines/fcn_hrnet-w32': 'focal_hrnet',
    'baselines/segformer_mit-b2': 'focal_mit',
    'baselines/upernet_convnext-base': 'focal_convnext',
    'demo/fcn_hrnet-compact': 'demo/focal_hrnet-compact',
}
SHARED = ('train_dataloader', 'test_dataloader', 'test_evaluator', 'optim_wrapper', 'param_scheduler', 'train_cfg')


def read(root: Path, name: str) -> Config:
    return Config.fromfile(root / 'configs' / f'{name}.py')


@pytest.mark.parametrize('name', CONFIGS)
def test_only_the_network_differs_from_focal(root: Path, name: str) -> None:
    cfg, focal = read(root, name), read(root, TWINS.get(name, 'focal_hrnet'))
    for part in SHARED:
        assert cfg[part] == focal[part], part
    assert cfg.model.data_preprocessor == focal.model.data_preprocessor
    if name in TWINS:
        assert cfg.model.backbone == focal.model.backbone
    if name in FULL:
        assert cfg.model.backbone.init_cfg.checkpoint.startswith(('https://', 'open-mmlab://'))


@pytest.mark.parametrize('name', CONFIGS)
def test_trains_one_step_and_tests_one_image(root: Path, small_config: Callable, tmp_path: Path, name: str) -> None:
    cfg = small_config(root / 'configs' / f'{name}.py', **{'default_hooks.checkpoint': None})
    cfg.test_dataloader.dataset.indices = [0]
    cfg.test_evaluator.output_dir = str(tmp_path / 'masks')
    runner = Runner.from_cfg(cfg)
    head = runner.model.decode_head
    assert not hasattr(head, 'clusterer')
    before = head.conv_seg.weight.detach().clone()
    runner.train()
    assert not torch.equal(before, head.conv_seg.weight)
    assert np.isfinite(runner.message_hub.get_scalar('train/loss').current())
    figures = runner.test()

    runner.model.eval()
    with torch.no_grad():
        (sample,) = runner.model.test_step(next(iter(runner.test_dataloader)))
    scores = sample.seg_logits.data.softmax(0)
    assert len(scores) == 2
    forged, truth = scores[1] > scores[0], sample.gt_sem_seg.data[0] == 1
    assert torch.equal(forged, sample.pred_sem_seg.data[0] == 1)
    wanted = localisation_metrics(forged.numpy(), scores[1].numpy(), truth.numpy())
    assert figures['forgery/iou'] == pytest.approx(wanted['iou'])
    assert figures.get('forgery/auc', np.nan) == pytest.approx(wanted['auc'], nan_ok=True)
    (mask,) = (tmp_path / 'masks').rglob('*.png')
    np.testing.assert_array_equal(cv2.imread(str(mask), cv2.IMREAD_GRAYSCALE) == 255, forged.numpy())


@pytest.mark.parametrize('views', [(), ('--tta',)])
def test_the_test_tool_writes_masks_and_figures(
    root: Path, run_tool: Callable, classifier: tuple[Path, Path], tmp_path: Path, views: tuple[str, ...]
) -> None:
    run_tool(root / 'tools' / 'test.py', *classifier, '--work-dir', tmp_path / 'log', '--out', tmp_path / 'out', *views)
    assert len(list((tmp_path / 'out').rglob('*.png'))) == 4
    assert len((tmp_path / 'out' / 'images.csv').read_text().splitlines()) == 5


def test_the_predict_tool_tells_of_no_clusters(
    root: Path, run_tool: Callable, classifier: tuple[Path, Path], image_path: Path, tmp_path: Path
) -> None:
    config, checkpoint = classifier
    arguments = ('--config', config, '--checkpoint', checkpoint, '--out', tmp_path / 'out', '--device', 'cpu')
    with pytest.raises(SystemExit) as stop:
        run_tool(root / 'tools' / 'predict.py', image_path, *arguments)
    assert stop.value.code == 0
    folder = tmp_path / 'out' / image_path.name
    summary = json.loads((folder / 'summary.json').read_text())
    assert set(summary) == {'image', 'width', 'height', 'forged_share', 'seconds', 'origin'}
    mask = cv2.imread(str(folder / 'mask.png'), cv2.IMREAD_UNCHANGED)
    score = cv2.imread(str(folder / 'score.png'), cv2.IMREAD_UNCHANGED)
    assert mask.shape == score.shape == (90, 150)
    assert ((score > 32767) == (mask == 255)).mean() > 0.999


def test_the_checkpoint_of_the_one_is_refused_for_the_other(
    root: Path, run_tool: Callable, classifier: tuple[Path, Path], trained: tuple[Path, Path], tmp_path: Path
) -> None:
    for config, checkpoint in ((classifier[0], trained[1]), (trained[0], classifier[1])):
        with pytest.raises(ValueError, match=r'does not fit.*\n.*decode_head'):
            run_tool(root / 'tools' / 'test.py', config, checkpoint, '--work-dir', tmp_path / 'log')
        with pytest.raises(ValueError, match=r'does not fit.*\n.*decode_head'):
            FOCALInferencer(config, checkpoint, device='cpu')


def test_a_baseline_needs_a_checkpoint(root: Path, run_tool: Callable, classifier: tuple[Path, Path]) -> None:
    with pytest.raises(ValueError, match='EncoderDecoder needs a checkpoint'):
        run_tool(root / 'tools' / 'test.py', classifier[0])
    with pytest.raises(ValueError, match='EncoderDecoder needs a checkpoint'):
        FOCALInferencer(classifier[0], device='cpu')


def test_the_clustering_hook_is_not_for_a_baseline(
    root: Path, run_tool: Callable, classifier: tuple[Path, Path], tmp_path: Path
) -> None:
    option = 'default_hooks.clustering.type=ClusteringHook'
    with pytest.raises(ValueError, match='ClusteringHook is for models with a FOCALHead'):
        run_tool(root / 'tools' / 'test.py', *classifier, '--work-dir', tmp_path, '--cfg-options', option)


@pytest.mark.parametrize('channels', [1, 3])
def test_the_inferencer_refuses_other_than_two_channels(
    classifier: tuple[Path, Path], image_path: Path, tmp_path: Path, channels: int
) -> None:
    cfg = Config.fromfile(classifier[0])
    cfg.model.decode_head.update(num_classes=max(channels, 2), out_channels=channels)
    if channels == 1:
        cfg.model.decode_head.loss_decode.use_sigmoid = True
    cfg.dump(tmp_path / 'other.py')
    cfg.work_dir = str(tmp_path)
    torch.save(dict(state_dict=Runner.from_cfg(cfg).model.state_dict(), meta={}), tmp_path / 'other.pth')
    with pytest.raises(ValueError, match=rf'EncoderDecoder gives {channels} channels.*out_channels=2'):
        FOCALInferencer(tmp_path / 'other.py', tmp_path / 'other.pth', device='cpu')
