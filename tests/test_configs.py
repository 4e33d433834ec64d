"""Every backbone config: what it builds, one training step, one tested picture."""

from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmseg.registry import MODELS

from focal_mmseg.apis import FOCALInferencer
from focal_mmseg.models import FOCALHead, SoftContrastiveLoss, TIMMViT

BACKBONES = ('hrnet', 'vit', 'mit', 'convnext', 'efficientnet')
PAPERS_SHAPES = {'vit': (512, 128, 128)}
DINO = {'dinov2': 896, 'dinov3': 1024}
# Two blocks in place of 24, and patches that fit the tests' pictures.
SMALLER = {'depth': 2, 'patch_size': 16}


def build(cfg: Config) -> torch.nn.Module:
    init_default_scope('mmseg')
    cfg.model.backbone.init_cfg = None
    return revert_sync_batchnorm(MODELS.build(cfg.model))


@pytest.mark.parametrize('backbone', [*BACKBONES, 'timm'])
def test_a_1024_picture_gets_the_papers_embedding_map(root: Path, backbone: str) -> None:
    model = build(Config.fromfile(root / 'configs' / f'focal_{backbone}.py')).to('meta')
    model.eval()
    embeddings = model(torch.zeros(1, 3, 1024, 1024, device='meta'), mode='tensor')
    assert embeddings.shape[1:] == PAPERS_SHAPES.get(backbone, (256, 256, 256))


@pytest.mark.parametrize('backbone', DINO)
def test_dino_gets_the_map_of_the_papers_vit(root: Path, backbone: str) -> None:
    with torch.device('meta'):
        model = build(Config.fromfile(root / 'configs' / f'focal_{backbone}.py')).eval()
        embeddings = model(torch.zeros(1, 3, DINO[backbone], DINO[backbone]), mode='tensor')
    assert embeddings.shape == (1, 512, 128, 128)
    adapters = sum(value.numel() for value in model.backbone.parameters() if value.requires_grad)
    assert adapters == 24 * 16 * (1024 + 3 * 1024 + 1024 + 1024)


@pytest.mark.parametrize('backbone', BACKBONES)
def test_the_setting_is_the_papers(root: Path, backbone: str) -> None:
    cfg = Config.fromfile(root / 'configs' / f'focal_{backbone}.py')
    assert cfg.optim_wrapper.optimizer == dict(type='Adam', lr=1e-4)
    assert cfg.train_dataloader.batch_size == 4
    assert [t.scale for t in cfg.train_pipeline + cfg.test_pipeline if t.type == 'Resize'] == [(1024, 1024)] * 2
    assert cfg.model.decode_head.clusterer.type == 'HDBSCANClusterer'
    assert cfg.model.backbone.init_cfg.checkpoint.startswith(('https://', 'open-mmlab://'))


@pytest.mark.parametrize('backbone', DINO)
def test_dinos_setting_is_the_papers_but_for_the_size_of_whole_patches(root: Path, backbone: str) -> None:
    cfg = Config.fromfile(root / 'configs' / f'focal_{backbone}.py')
    base = Config.fromfile(root / 'configs' / '_base_' / 'focal.py')
    size = (DINO[backbone],) * 2
    sizes = [cfg.model.data_preprocessor.size, cfg.tta_pipeline[1].transforms[0][0].scale]
    for part, ours in (('train', 'train'), ('val', 'test'), ('test', 'test')):
        pipeline, theirs = cfg[f'{part}_dataloader'].dataset.pipeline, base[f'{ours}_pipeline']
        assert pipeline == cfg[f'{ours}_pipeline']
        assert [each.type for each in pipeline] == [each.type for each in theirs]
        sizes += [each.scale for each in pipeline if each.type == 'Resize']
    assert sizes == [size] * 5
    assert [len(each) for each in cfg.tta_pipeline[1].transforms] == [1, 2, 1, 1]
    assert cfg.optim_wrapper == base.optim_wrapper
    mean_and_std = torch.tensor([*cfg.model.data_preprocessor.mean, *cfg.model.data_preprocessor.std]) / 255
    theirs = timm.get_pretrained_cfg(cfg.model.backbone.model_name)
    torch.testing.assert_close(mean_and_std, torch.tensor([*theirs.mean, *theirs.std]))


@pytest.mark.parametrize('backbone', [*BACKBONES, 'dinov3', 'timm'])
def test_a_config_says_only_what_differs(root: Path, backbone: str) -> None:
    lines = (root / 'configs' / f'focal_{backbone}.py').read_text().splitlines()
    assert len(lines) < 35
    assert not any('optim_wrapper' in line or 'dataloader' in line for line in lines)


@pytest.mark.parametrize('backbone', [*BACKBONES, 'timm'])
def test_trains_one_step_and_tests_one_picture(root: Path, small_config, backbone: str) -> None:
    cfg = small_config(root / 'configs' / f'focal_{backbone}.py', **{'default_hooks.checkpoint': None})
    cfg.test_dataloader.dataset.indices = [0]
    runner = Runner.from_cfg(cfg)
    model = runner.model
    assert isinstance(model.decode_head, FOCALHead)
    classifiers = [name for name in model.state_dict() if 'conv_seg' in name or 'classifier' in name or '.fc.' in name]
    assert not classifiers
    before = model.decode_head.projections[0].weight.detach().clone()
    runner.train()
    assert not torch.equal(before, model.decode_head.projections[0].weight)
    assert np.isfinite(runner.message_hub.get_scalar('train/loss').current())
    figures = runner.test()
    assert 0 <= figures['forgery/iou'] <= 1
    assert 0 <= figures['forgery/macro_f1'] <= 1


@pytest.mark.parametrize('backbone', DINO)
def test_dino_trains_its_adapters_and_predicts_without_a_download(
    root: Path, small_config, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backbone: str
) -> None:
    monkeypatch.setattr(TIMMViT, '_from_timm', None)
    name = Config.fromfile(root / 'configs' / f'focal_{backbone}.py').model.backbone.model_name
    pretrained = timm.create_model(name, num_classes=0, **SMALLER).state_dict()
    torch.save(pretrained, tmp_path / 'pretrained.pth')
    options = {f'model.backbone.{key}': value for key, value in SMALLER.items()}
    options['model.backbone.checkpoint_path'] = str(tmp_path / 'pretrained.pth')
    cfg = small_config(root / 'configs' / f'focal_{backbone}.py', **options, **{'default_hooks.checkpoint.interval': 1})
    cfg.test_dataloader.dataset.indices = [0]
    runner = Runner.from_cfg(cfg)
    runner.train()
    trained = runner.model.backbone.vit.state_dict()
    for key, value in pretrained.items():
        adapted = key.replace('.weight', '.base_layer.weight').replace('.bias', '.base_layer.bias')
        assert torch.equal(trained[key if key in trained else adapted], value), key
    matrices = [value for key, value in trained.items() if 'lora_B' in key]
    assert len(matrices) == 4
    assert all(matrix.any() for matrix in matrices)
    assert np.isfinite(runner.message_hub.get_scalar('train/loss').current())
    assert 0 <= runner.test()['forgery/iou'] <= 1

    del cfg.model.backbone.checkpoint_path
    cfg.dump(tmp_path / 'mine.py')
    focal = FOCALInferencer(tmp_path / 'mine.py', tmp_path / 'work' / 'iter_1.pth', device='cpu')
    assert focal.model.backbone.pretrained
    assert focal(picture).mask.shape == (90, 150)


def test_a_users_config_swaps_the_backbone_in_the_lines_that_the_docs_show(root: Path, tmp_path: Path) -> None:
    mine = tmp_path / 'mine.py'
    mine.write_text(
        f"""_base_ = '{(root / 'configs' / '_base_' / 'focal.py').as_posix()}'
model = dict(
    backbone=dict(type='MixVisionTransformer', embed_dims=32, num_heads=[1, 2, 5, 8]),
    decode_head=dict(in_channels=[32, 64, 160, 256]),
)
"""
    )
    model = build(Config.fromfile(mine))
    model.eval()
    with torch.no_grad():
        assert model(torch.zeros(1, 3, 64, 64), mode='tensor').shape == (1, 256, 16, 16)


def test_the_journal_version_is_its_loss_and_its_smallest_cluster(root: Path) -> None:
    cfg = Config.fromfile(root / 'configs' / 'focal_vit_scl.py')
    head = build(cfg).decode_head
    assert isinstance(head.loss_decode, SoftContrastiveLoss)
    assert (head.clusterer.min_cluster_size, head.clusterer.min_samples) == (200, 20)
    assert cfg.model.backbone.type == Config.fromfile(root / 'configs' / 'focal_vit.py').model.backbone.type


@pytest.mark.parametrize('loss', ['CircleLoss', 'DCLLoss', 'InfoNCELoss', 'SoftContrastiveLoss', 'TripletLoss'])
def test_one_override_swaps_the_loss(root: Path, loss: str) -> None:
    cfg = Config.fromfile(root / 'configs' / 'focal_hrnet.py')
    cfg.merge_from_dict({'model.decode_head.loss_decode.type': loss})
    assert type(build(cfg).decode_head.loss_decode).__name__ == loss
