"""configs/focal_lite.py and its twin under cross-entropy: a training step, then every way to a prediction."""

import copy
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.apis import MMSegInferencer, inference_model, init_model
from mmseg.registry import MODELS

from focal_mmseg.apis import FOCALInferencer
from focal_mmseg.datasets.synthesis import load_packaged

CONFIGS = ('focal_lite', 'baselines/fcn_lite')
SIDE = 128


@pytest.fixture(scope='module')
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('photographs')
    for name in ('chelsea', 'coffee', 'rocket'):
        cv2.imwrite(str(folder / f'{name}.jpg'), load_packaged(name)[..., ::-1])
    return folder


@pytest.fixture(scope='module')
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A JPEG file off the grid."""
    path = tmp_path_factory.mktemp('image') / 'a photo.jpg'
    cv2.imwrite(str(path), cv2.resize(load_packaged('chelsea')[..., ::-1], (155, 93)))
    return path


def small(root: Path, name: str, photographs: Path, work_dir: Path) -> Config:
    """The config for a step on small forgeries, without a download."""
    cfg = Config.fromfile(root / 'configs' / f'{name}.py')
    (work_dir / 'small.yaml').write_text(f'base: world\nsize: {SIDE}\n')
    forge = dict(recipe=str(work_dir / 'small.yaml'), donors=str(photographs))
    for pipeline in (cfg.train_pipeline, cfg.train_dataloader.dataset.pipeline):
        pipeline[1].update(forge)
    cfg.train_dataloader.update(batch_size=2, num_workers=0, persistent_workers=False)
    cfg.train_dataloader.dataset.data_prefix.img_path = str(photographs)
    cfg.model.data_preprocessor.size = (SIDE, SIDE)
    cfg.model.backbone.rgb.pretrained = False
    cfg.work_dir = str(work_dir)
    cfg.merge_from_dict(
        {
            'train_cfg.max_iters': 1,
            'default_hooks.logger.interval': 1,
            'default_hooks.checkpoint.interval': 1,
            'experiment_name': f'lite{abs(hash(work_dir))}',
            'test_cfg': None,
            'test_evaluator': None,
            'test_dataloader': None,
        }
    )
    return cfg


@pytest.fixture(scope='module', params=CONFIGS)
def trained(request, root: Path, photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A config as it is, and a checkpoint of one training step."""
    work_dir = tmp_path_factory.mktemp('lite')
    cfg = small(root, request.param, photographs, work_dir)
    runner = Runner.from_cfg(cfg)
    before = {name: value.detach().clone() for name, value in runner.model.named_parameters()}
    runner.train()
    assert np.isfinite(runner.message_hub.get_scalar('train/loss').current())
    moved = {name for name, value in runner.model.named_parameters() if not torch.equal(before[name], value)}
    for part in ('backbone.rgb', 'backbone.dct', 'neck', 'decode_head'):
        assert any(name.startswith(part) for name in moved), part
    return root / 'configs' / f'{request.param}.py', work_dir / 'iter_1.pth'


def test_every_way_to_a_prediction_gives_the_same_mask(trained: tuple[Path, Path], image: Path) -> None:
    config, checkpoint = map(str, trained)
    prediction = FOCALInferencer(config, checkpoint, device='cpu')(image)
    assert prediction.mask.shape == prediction.score.shape == (93, 155)
    assert np.isfinite(prediction.score).all()
    model = init_model(config, checkpoint, device='cpu')
    found = inference_model(model, str(image))
    assert np.array_equal(found.pred_sem_seg.data[0].numpy() > 0, prediction.mask > 0)
    inferencer = MMSegInferencer(config, checkpoint, device='cpu')
    result = inferencer(str(image), return_datasamples=True, show=False)
    assert np.array_equal(result.pred_sem_seg.data[0].numpy() > 0, prediction.mask > 0)


def test_arrays_are_predicted_as_files_without_coefficients(trained: tuple[Path, Path], image: Path, tmp_path) -> None:
    array = cv2.imread(str(image))
    cv2.imwrite(str(tmp_path / 'a.png'), array)
    # mmseg's inference_model takes arrays alone after the first array: so the array comes last.
    model = init_model(*map(str, trained), device='cpu')
    ours, of_png, of_array = (inference_model(model, each) for each in (str(image), str(tmp_path / 'a.png'), array))
    assert torch.equal(of_array.seg_logits.data, of_png.seg_logits.data)
    assert not torch.equal(of_array.seg_logits.data, ours.seg_logits.data)


@pytest.mark.parametrize('name', CONFIGS)
def test_the_streams_meet_at_an_eighth(root: Path, name: str) -> None:
    cfg = Config.fromfile(root / 'configs' / f'{name}.py')
    cfg.model.backbone.rgb.pretrained = False
    model = MODELS.build(cfg.model)
    model.eval()
    with torch.no_grad():
        found = model(torch.zeros(1, 5, 128, 72), mode='tensor')
    # Those of the image and of its mirror image.
    assert found.shape == (1, 64 if name == 'focal_lite' else 2, 16, 9)
    assert sum(parameter.numel() for parameter in model.parameters()) < 8e6


@pytest.mark.parametrize('left_out', ['rgb', 'dct'])
def test_either_stream_is_left_out_by_the_lines_that_the_docs_show(root: Path, left_out: str) -> None:
    cfg = Config.fromfile(root / 'configs' / 'focal_lite.py')
    widths = list(cfg.model.neck.in_channels)
    cfg.model.backbone[left_out] = None
    # Copies are looked for in a map of the colours.
    cfg.model.neck.in_channels = widths[3:4] if left_out == 'rgb' else widths[:3] + widths[4:]
    if left_out == 'rgb':
        cfg.model.backbone.copies = None
    model = MODELS.build(cfg.model)
    model.eval()
    assert model(torch.zeros(1, 5, 64, 64), mode='tensor').shape[2:] == (8, 8)


def test_the_twin_differs_in_the_head_alone(root: Path) -> None:
    ours, twin = (Config.fromfile(root / 'configs' / f'{name}.py') for name in CONFIGS)
    for key in ('train_pipeline', 'test_pipeline', 'optim_wrapper', 'param_scheduler', 'train_cfg', 'custom_hooks'):
        assert ours[key] == twin[key], key
    for key in ('backbone', 'neck', 'data_preprocessor'):
        assert ours.model[key] == twin.model[key], key
    assert twin.weights is None


def test_flipped_views_are_refused(root: Path, run_tool: Callable, trained: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r'(?s)has no tta_pipeline.*Leave.*--tta out.*test_cfg.mirrors'):
        run_tool(root / 'tools' / 'test.py', *trained, '--tta', '--work-dir', tmp_path)


def test_a_pipeline_that_resizes_is_refused_with_the_remedy(trained: tuple[Path, Path], image: Path) -> None:
    cfg = Config.fromfile(trained[0])
    for place in (1, 2):
        changed = copy.deepcopy(cfg)
        changed.test_pipeline.insert(place, dict(type='Resize', scale=(64, 64)))
        changed.test_dataloader.dataset.pipeline = changed.test_pipeline
        model = init_model(changed, str(trained[1]), device='cpu')
        with pytest.raises(ValueError, match=r'[Tt]ake Resize'):
            inference_model(model, str(image))
