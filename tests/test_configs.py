"""Every backbone config: what it builds, one training step, one tested image."""

import itertools
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from mmengine.config import Config, DictAction
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmseg.registry import MODELS, TRANSFORMS

from focal_mmseg.apis import FOCALInferencer
from focal_mmseg.models import FOCALHead, SoftContrastiveLoss, TIMMViT

BACKBONES = ('hrnet', 'vit', 'mit', 'convnext', 'efficientnet')
PAPERS_SHAPES = {'vit': (512, 128, 128)}
# The sizes of configs/backbones, in millions of parameters, of the backbones alone: as published, less the classifier.
SIZES = {
    'convnext-large': 196.2,
    'convnext-small': 49.5,
    'convnext-tiny': 27.8,
    'efficientnet-b0': 4.0,
    'efficientnet-b1': 6.5,
    'efficientnet-b2': 7.7,
    'efficientnet-b3': 10.7,
    'efficientnet-b5': 28.3,
    'efficientnet-b6': 40.7,
    'efficientnet-b7': 63.8,
    'hrnet-w18': 9.6,
    'hrnet-w48': 65.3,
    'mit-b0': 3.3,
    'mit-b1': 13.2,
    'mit-b3': 44.1,
    'mit-b4': 60.8,
    'mit-b5': 81.4,
    'swin-b': 86.9,
    'swin-s': 48.8,
    'swin-t': 27.5,
    'vit-b': 88.9,
    'vit-b-imagenet': 86.1,
    'vit-h': 636.1,
    'vit-h_deepspeed': 636.1,
    'vit-l-imagenet': 303.7,
}
DINO = {'dinov2': 896, 'dinov3': 1024}
# Two blocks in place of 24, and patches that fit the tests' images.
SMALLER = {'depth': 2, 'patch_size': 16}


def build(cfg: Config) -> torch.nn.Module:
    init_default_scope('mmseg')
    cfg.model.backbone.init_cfg = None
    return revert_sync_batchnorm(MODELS.build(cfg.model))


@pytest.mark.parametrize('backbone', [*BACKBONES, 'timm'])
def test_a_1024_image_gets_the_papers_embedding_map(root: Path, shapes_only: Callable, backbone: str) -> None:
    with shapes_only():
        model = build(Config.fromfile(root / 'configs' / f'focal_{backbone}.py'))
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


def test_the_views_of_every_config_are_prepared_as_its_test_images(root: Path) -> None:
    """What a config changes in its test pipeline, --tta must see too."""
    paths = [path for path in (root / 'configs').rglob('*.py') if '_base_' not in path.parts]
    assert len(paths) > 50
    for path in paths:
        cfg = Config.fromfile(path)
        if cfg.tta_pipeline is None:
            # JPEG coefficients cannot be flipped.
            assert 'LoadJPEGArtifacts' in [step.type for step in cfg.test_pipeline], path
            continue
        load, views = cfg.tta_pipeline
        flips, steps = [], [load]
        for step in itertools.chain(*views.transforms):
            (flips if step.type == 'RandomFlip' else steps).append(step)
        assert steps == list(cfg.test_pipeline), path
        assert cfg.test_dataloader.dataset.pipeline == cfg.test_pipeline, path
        assert [each.prob for each in flips] == [0.0, 1.0], path


@pytest.mark.parametrize('backbone', [*BACKBONES, 'timm'])
def test_trains_one_step_and_tests_one_image(root: Path, small_config, backbone: str) -> None:
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


def test_the_augmented_config_trains_a_step(root: Path, small_config) -> None:
    cfg = small_config(root / 'configs' / 'focal_hrnet_augmented.py', **{'default_hooks.checkpoint': None})
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert np.isfinite(runner.message_hub.get_scalar('train/loss').current())


@pytest.mark.parametrize('name', SIZES)
def test_other_sizes_of_the_backbones(root: Path, shapes_only: Callable, name: str) -> None:
    cfg = Config.fromfile(root / 'configs' / 'backbones' / f'focal_{name}.py')
    init_default_scope('mmseg')
    assert cfg.model.backbone.init_cfg.checkpoint.startswith(('https://', 'open-mmlab://'))
    with shapes_only():
        model = revert_sync_batchnorm(MODELS.build(cfg.model))
    model.eval()
    embeddings = model(torch.zeros(1, 3, 1024, 1024, device='meta'), mode='tensor')
    assert embeddings.shape[1:] == ((512, 128, 128) if 'vit' in name else (256, 256, 256))
    parameters = sum(parameter.numel() for parameter in model.backbone.parameters())
    assert round(parameters / 1e6, 1) == SIZES[name]


def test_every_file_of_backbones_is_tested(root: Path) -> None:
    files = {path.stem.removeprefix('focal_') for path in (root / 'configs' / 'backbones').glob('*.py')}
    assert files == set(SIZES)


RESOLUTIONS = {
    'hrnet at 128': (
        'hrnet',
        """
model = dict(decode_head=dict(in_channels=[64, 128, 256], in_index=[1, 2, 3], channels=512))
find_unused_parameters = True
""",
        (512, 128, 128),
    ),
    'hrnet at 64': (
        'hrnet',
        """
model = dict(decode_head=dict(in_channels=128, in_index=2, channels=1024))
find_unused_parameters = True
""",
        (1024, 64, 64),
    ),
    'convnext at 64': (
        'convnext',
        """
model = dict(decode_head=dict(in_channels=512, in_index=2, channels=1024))
find_unused_parameters = True
""",
        (1024, 64, 64),
    ),
    'hrnet with FPN': (
        'hrnet',
        """
model = dict(
    neck=dict(type='FPN', in_channels=[32, 64, 128, 256], out_channels=256, num_outs=4),
    decode_head=dict(in_channels=[256] * 4),
)
""",
        (256, 256, 256),
    ),
    'vit at 256': (
        'vit',
        """
model = dict(
    neck=dict(out_channels=256, factor=4),
    decode_head=dict(in_channels=256, channels=256),
)
""",
        (256, 256, 256),
    ),
    'vit at 64': (
        'vit',
        """
model = dict(neck=None, decode_head=dict(in_channels=1024, channels=None))
""",
        (1024, 64, 64),
    ),
    'vit as a pyramid': (
        'vit',
        """
model = dict(
    backbone=dict(out_indices=[5, 11, 17, 23]),
    neck=dict(_delete_=True, type='Feature2Pyramid', embed_dim=1024, rescales=[4, 2, 1, 0.5]),
    decode_head=dict(in_channels=[1024] * 4, channels=256),
)
""",
        (256, 256, 256),
    ),
}


def at_resolution(root: Path, tmp_path: Path, name: str) -> Config:
    """A user's config with what docs/guide/configs.md says of a resolution."""
    backbone, options, _ = RESOLUTIONS[name]
    mine = tmp_path / 'mine.py'
    mine.write_text(f"_base_ = '{(root / 'configs' / f'focal_{backbone}.py').as_posix()}'\n{options}\n")
    return Config.fromfile(mine)


@pytest.mark.parametrize('name', RESOLUTIONS)
def test_resolution_and_width_are_choices_of_the_config(
    root: Path, tmp_path: Path, shapes_only: Callable, name: str
) -> None:
    with shapes_only():
        model = build(at_resolution(root, tmp_path, name))
    model.eval()
    assert model(torch.zeros(1, 3, 1024, 1024, device='meta'), mode='tensor').shape[1:] == RESOLUTIONS[name][2]


@pytest.mark.parametrize('name', [*BACKBONES, 'backbones/swin-t', 'backbones/vit-b-imagenet', *RESOLUTIONS])
def test_every_parameter_learns_or_distributed_training_is_told(root: Path, tmp_path: Path, name: str) -> None:
    """A parameter without a gradient stops a distributed training in its second step."""
    if name in RESOLUTIONS:
        cfg = at_resolution(root, tmp_path, name)
        if name.startswith('vit'):  # ViT-L's width, and a block for each map that is taken out
            if 'out_indices' in cfg.model.backbone:
                cfg.model.backbone.out_indices = list(range(len(cfg.model.backbone.out_indices)))
            layers = max(cfg.model.backbone.get('out_indices', [1])) + 1
            cfg.model.backbone.arch = dict(
                embed_dims=1024, num_layers=layers, num_heads=16, feedforward_channels=16, global_attn_indexes=[1]
            )
    else:
        path = Path('configs', name)
        cfg = Config.fromfile(root / path.with_name(f'focal_{path.name}.py'))
        if 'vit' in name:
            cfg.model.backbone.update(SMALL_VITS[name])
            cfg.model.neck.in_channels = 32
    model = build(cfg)
    # In training a whole block may be dropped by chance.
    model.eval()
    model(torch.randn(2, 3, 64, 64), mode='tensor').square().sum(1).sqrt().sum().backward()
    idle = [name for name, parameter in model.named_parameters() if parameter.requires_grad and parameter.grad is None]
    assert bool(idle) == cfg.get('find_unused_parameters', False), idle


SMALL_VITS = {
    'vit': dict(
        arch=dict(embed_dims=32, num_layers=2, num_heads=2, feedforward_channels=64, global_attn_indexes=[1]),
        window_size=3,
    ),
    'backbones/vit-b-imagenet': dict(
        arch=dict(embed_dims=32, num_layers=2, num_heads=2, feedforward_channels=64),
    ),
}


@pytest.mark.parametrize('name', SMALL_VITS)
def test_a_vit_takes_sizes_other_than_its_pretraining(root: Path, name: str) -> None:
    path = Path('configs', name)
    cfg = Config.fromfile(root / path.with_name(f'focal_{path.name}.py'))
    cfg.model.backbone.update(SMALL_VITS[name], img_size=64)
    cfg.model.neck.in_channels = 32
    model = build(cfg)
    model.eval()
    positions = model.backbone.pos_embed
    with torch.no_grad():
        for tensor in (positions, *(value for key, value in model.named_parameters() if 'rel_pos' in key)):
            tensor.normal_()
        small = model(torch.rand(1, 3, 64, 64), mode='tensor')
        wide = torch.zeros(1, 3, 96, 160)
        embeddings = model(wide, mode='tensor')
        # SAM's last block attends to the whole map, by relative positions of another size than its own.
        relative = [value for key, value in model.named_parameters() if 'layers.1.attn.rel_pos' in key]
        kept = [value.clone() for value in relative]
        for tensor in relative:
            tensor.zero_()
        without = model(wide, mode='tensor')
        for tensor, value in zip(relative, kept, strict=True):
            tensor.copy_(value)
        # A blank image has nothing but positions: those of another size are not those of the first, repeated or cut.
        positions.zero_()
        blank = model(wide, mode='tensor')
    assert small.shape == (1, 512, 8, 8) and embeddings.shape == (1, 512, 12, 20)
    assert (embeddings - blank).abs().max() > 0.01
    assert len(relative) == (2 if name == 'vit' else 0)
    assert not relative or (embeddings - without).abs().max() > 0.01
    inner = embeddings[0, :, 2:-2, 2:-2].flatten(1)
    assert inner.std(dim=1).max() > 0.01


def test_weights_of_another_input_size_are_interpolated_when_a_training_starts(root: Path, tmp_path: Path) -> None:
    cfg = Config.fromfile(root / 'configs' / 'focal_vit.py').model.backbone
    cfg.update(SMALL_VITS['vit'], img_size=64, init_cfg=None)
    pretrained = MODELS.build(cfg)
    with torch.no_grad():
        pretrained.pos_embed.copy_(torch.arange(4.0).view(1, 1, 4, 1).expand_as(pretrained.pos_embed))
        for name in ('rel_pos_h', 'rel_pos_w'):
            ramp = getattr(pretrained.layers[1].attn, name)
            ramp.copy_(torch.arange(7.0)[:, None].expand_as(ramp))
    torch.save({f'backbone.{name}': value for name, value in pretrained.state_dict().items()}, tmp_path / 'vit.pth')
    cfg.update(img_size=128, init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'vit.pth'), prefix='backbone.'))
    model = MODELS.build(cfg)
    model.init_weights()
    row = model.pos_embed[0, 3, :, 0]
    assert model.pos_embed.shape[1:3] == (8, 8) and bool((row.diff() > 0).all())
    for name in ('rel_pos_h', 'rel_pos_w'):
        ramp = getattr(model.layers[1].attn, name)
        assert len(ramp) == 15 and bool((ramp.diff(dim=0) > 0).all())
        assert bool((ramp[0] == 0).all()) and bool((ramp[-1] == 6).all())


@pytest.mark.parametrize('side', [96, 160])
def test_the_docs_overrides_change_the_input_size(root: Path, side: int) -> None:
    text = (root / 'docs' / 'guide' / 'configs.md').read_text()
    command = text[text.index('## Another input size') :].split('```')[1]
    options = [word for word in command.replace('512', str(side)).split() if '=' in word]
    parser = ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    cfg = Config.fromfile(root / 'configs' / 'focal_vit.py')
    cfg.merge_from_dict(parser.parse_args(['--cfg-options', *options]).cfg_options)
    pipelines = [cfg[f'{part}_dataloader'].dataset.pipeline for part in ('train', 'val', 'test')]
    for pipeline in (*pipelines, cfg.test_pipeline, cfg.tta_pipeline[1].transforms[0]):
        (resize,) = [step for step in pipeline if step.type == 'Resize']
        assert tuple(resize.scale) == (side, side)
        image_path = TRANSFORMS.build(resize)(dict(img=np.zeros((50, 70, 3), np.uint8)))
        assert image_path['img'].shape == (side, side, 3)
    assert tuple(cfg.model.data_preprocessor.size) == (side, side)


@pytest.mark.parametrize('backbone', DINO)
def test_dino_trains_its_adapters_and_predicts_without_a_download(
    root: Path, small_config, image_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backbone: str
) -> None:
    monkeypatch.setattr(TIMMViT, '_load_from_timm', None)
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
    assert focal(image_path).mask.shape == (90, 150)


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
