"""Released weights, made here in their exact form, give the released features."""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.runner import Runner
from mmpretrain.models import ViTSAM
from mmseg.apis import init_model
from mmseg.models.backbones import HRNet
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from released_references import (
    Weights,
    cheap,
    filled,
    hrnet_features,
    hrnet_shapes,
    sam_features,
    sam_other_shapes,
    sam_shapes,
)
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.clustering import HDBSCANClusterer, KMeansClusterer
from focal_mmseg.engine.checkpoint import find_misfits, load_weights, require_fit

FOCALS = 'module.net.'
HEAD = {'final_layer.weight': (17, 32, 1, 1), 'final_layer.bias': (17,)}
SMALL = dict(width=32, depth=3, heads=4, hidden=48, grid=8, patch=16, out=16, window=3, global_blocks=(1,))
SMALL_BACKBONE = dict(
    arch=dict(embed_dims=32, num_layers=3, num_heads=4, feedforward_channels=48, global_attn_indexes=[1]),
    img_size=128,
    out_channels=16,
    window_size=3,
)
SIZES = {
    'base': dict(width=768, depth=12, heads=12, hidden=3072, global_blocks=(2, 5, 8, 11)),
    'large': dict(width=1024, depth=24, heads=16, hidden=4096, global_blocks=(5, 11, 17, 23)),
    'huge': dict(width=1280, depth=32, heads=16, hidden=5120, global_blocks=(7, 15, 23, 31)),
}


def full_sam_shapes(size: str) -> dict:
    return sam_shapes(**SIZES[size], grid=64, patch=16, out=256, window=14) | sam_other_shapes()


def released(tensors: dict[str, Tensor], prefix: str = FOCALS) -> dict[str, Tensor]:
    return {f'{prefix}{name}': value for name, value in tensors.items()}


def small_vit() -> dict[str, Tensor]:
    others = dict.fromkeys(('prompt_encoder.no_mask_embed.weight', 'mask_decoder.a', 'mask_decoder.b'), (1,))
    return filled(sam_shapes(**SMALL) | others)


def hrnet(width: int = 18) -> dict[str, Tensor]:
    return filled(hrnet_shapes(width) | HEAD)


@pytest.fixture
def convert(root: Path, run_tool: Callable, tmp_path: Path) -> Callable[[object], Path]:
    """Saves a content, converts the file, and gives the result's path."""

    def run(content: object) -> Path:
        torch.save(content, tmp_path / 'released.pth')
        tool = root / 'tools' / 'model_converters' / 'focal2mmseg.py'
        run_tool(tool, tmp_path / 'released.pth', tmp_path / 'converted.pth')
        return tmp_path / 'converted.pth'

    return run


@pytest.fixture
def refused(convert: Callable, tmp_path: Path) -> Callable[[object], str]:
    """Converts what must not be converted; what the tool says."""

    def run(content: object) -> str:
        with pytest.raises(SystemExit) as stop:
            convert(content)
        assert not (tmp_path / 'converted.pth').exists()
        assert str(tmp_path / 'released.pth') in stop.value.code
        return stop.value.code

    return run


def official(root: Path, network: str, **backbone: object) -> Config:
    """The config, with another size of the network."""
    cfg = Config.fromfile(root / 'configs' / f'focal_{network}_official.py')
    cfg.model.backbone.update(backbone)
    cfg.model.decode_head.in_channels = {'vit': 16, 'hrnet': 18}[network]
    return cfg


def small_official(root: Path, network: str) -> Config:
    return official(root, network, **(SMALL_BACKBONE if network == 'vit' else dict(arch='w18')))


# --- the features


@pytest.mark.parametrize('network', ['vit', 'hrnet'])
def test_the_model_gives_the_released_features(root: Path, convert: Callable, network: str) -> None:
    if network == 'vit':
        tensors, cfg = small_vit(), small_official(root, network)
    else:  # as large as it was released
        tensors, cfg = hrnet(32), Config.fromfile(root / 'configs' / 'focal_hrnet_official.py')
    model = init_model(cfg, str(convert(released(tensors))), device='cpu')
    rgb = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 128, 128), np.uint8))
    sample = SegDataSample(metainfo=dict(img_shape=(128, 128)))
    inputs = model.data_preprocessor(dict(inputs=[rgb.flip(0)], data_samples=[sample]))['inputs'].double()
    # Random weights make float32's rounding grow from layer to layer.
    model, image = model.double(), rgb.double() / 255
    weights = Weights({name: value.double() for name, value in tensors.items()})
    with torch.no_grad():
        (features,) = model.backbone(inputs)
        embeddings = model(inputs, mode='tensor')
        if network == 'vit':
            expected = sam_features(image, weights, SMALL['heads'], SMALL['window'], SMALL['global_blocks'])
        else:
            expected = hrnet_features(image, weights)
    assert expected.std() > 0.1
    # The preprocessor divides in float32.
    torch.testing.assert_close(features[0], expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(embeddings[0], F.normalize(expected, dim=0), rtol=1e-5, atol=1e-5)
    assert sum(parameter.numel() for parameter in model.decode_head.parameters()) == 0
    others = ('final_layer', 'prompt_encoder', 'mask_decoder')
    read = [name for name in tensors if not name.startswith(others) and not name.endswith('num_batches_tracked')]
    assert {name: weights.used[name] for name in read} == dict.fromkeys(read, 1), 'the reference left something out'


def test_mmsegs_own_hrnet_is_another_function(root: Path) -> None:
    tensors = {name: value for name, value in hrnet(32).items() if name not in HEAD}
    cfg = Config.fromfile(root / 'configs' / 'focal_hrnet.py').model.backbone
    backbone = revert_sync_batchnorm(HRNet(cfg.extra, norm_cfg=cfg.norm_cfg, multiscale_output=False))
    backbone.load_state_dict(tensors)
    backbone.eval()
    image = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        difference = (backbone(image[None])[0][0] - hrnet_features(image, Weights(tensors))).abs().max()
    assert difference > 0.1


# --- what becomes of each tensor


def fingerprints(tensors: dict[str, Tensor]) -> Counter:
    return Counter((tuple(value.shape), value.double().sum().item()) for value in tensors.values())


@pytest.mark.parametrize(
    ('make', 'told'),
    [
        (small_vit, {'prompt_encoder': 1, 'mask_decoder': 2}),
        (hrnet, {'final_layer': 2}),
    ],
)
def test_every_tensor_is_used_once_or_told_as_dropped(
    convert: Callable, capsys: pytest.CaptureFixture, make: Callable, told: dict[str, int]
) -> None:
    tensors = make()
    result = load_weights(convert(released(tensors)))
    expected = fingerprints({name: value for name, value in tensors.items() if name.split('.')[0] not in told})
    assert set(expected.values()) == {1}, 'two tensors are alike, so that a mix-up would not be seen'
    assert fingerprints(result) == expected
    output = capsys.readouterr().out
    assert f'{len(expected)} tensors written to' in output
    dropped = [line.rsplit(': ', 1)[1] for line in output.splitlines() if line.startswith('dropped')]
    assert dropped == [f'{part} ({count} tensors)' for part, count in sorted(told.items())]


@pytest.mark.parametrize(('network', 'grid'), [('vit', (256, 64, 64)), ('hrnet', (32, 256, 256))])
def test_a_file_of_full_size_is_the_official_configs_model(
    root: Path, convert: Callable, capsys: pytest.CaptureFixture, network: str, grid: tuple[int, ...]
) -> None:
    shapes = full_sam_shapes('large') if network == 'vit' else hrnet_shapes(32) | HEAD
    weights = load_weights(convert(released(cheap(shapes))))
    assert f'tools/test.py configs/focal_{network}_official.py' in capsys.readouterr().out
    with torch.device('meta'):
        model = MODELS.build(Config.fromfile(root / 'configs' / f'focal_{network}_official.py').model)
    require_fit(model, weights, 'it')
    model.eval()
    assert model(torch.zeros(1, 3, 1024, 1024, device='meta'), mode='tensor').shape[1:] == grid


def test_last_outputs_that_focal_does_not_read_are_dropped_if_the_file_has_them(
    convert: Callable, capsys: pytest.CaptureFixture
) -> None:
    with_them, without = (cheap(hrnet_shapes(8, maps)) for maps in (4, 1))
    result = load_weights(convert(released(with_them)))
    assert {name.removeprefix('backbone.') for name in result} == set(without)
    output = capsys.readouterr().out
    for line in ('stage4.2.fuse_layers.1 (', 'stage4.2.fuse_layers.2 (', 'stage4.2.fuse_layers.3 ('):
        assert line in output


# --- backbones to start from


@pytest.mark.parametrize('size', SIZES)
def test_sams_own_files_are_vitsams(convert: Callable, capsys: pytest.CaptureFixture, size: str) -> None:
    result = load_weights(convert(cheap(full_sam_shapes(size))))
    with torch.device('meta'):
        backbone = ViTSAM(size, img_size=1024)
    assert find_misfits(nn.ModuleDict(dict(backbone=backbone)), result) == []
    output = capsys.readouterr().out
    assert "prefix='backbone.'" in output
    assert 'dropped, the features do not depend on it: mask_decoder (120 tensors)' in output
    assert 'dropped, the features do not depend on it: prompt_encoder (17 tensors)' in output


def test_a_vit_starts_from_sam_without_the_neck_that_it_does_not_have(root: Path, convert: Callable) -> None:
    tensors = small_vit()
    cfg = Config.fromfile(root / 'configs' / 'focal_vit.py').model.backbone
    cfg.update(SMALL_BACKBONE, out_channels=0)
    cfg.init_cfg.checkpoint = str(convert(tensors))
    backbone = MODELS.build(cfg)
    backbone.init_weights()
    for ours, sams in (('pos_embed', 'pos_embed'), ('layers.2.ffn.layers.1.weight', 'blocks.2.mlp.lin2.weight')):
        torch.testing.assert_close(backbone.state_dict()[ours], tensors[f'image_encoder.{sams}'], rtol=0, atol=0)


def test_hrnets_classifier_is_mmsegs_hrnet_with_all_maps(
    root: Path, convert: Callable, capsys: pytest.CaptureFixture
) -> None:
    head = {f'{part}.weight': (1,) for part in ('incre_modules.0', 'downsamp_modules.0', 'final_layer.0', 'classifier')}
    result = load_weights(convert(cheap(hrnet_shapes(32, 4) | head)))
    with torch.device('meta'):
        backbone = MODELS.build(Config.fromfile(root / 'configs' / 'focal_hrnet.py').model.backbone)
    assert find_misfits(nn.ModuleDict(dict(backbone=backbone)), result) == []
    output = capsys.readouterr().out
    assert all(f'{name.split(".")[0]} (1 tensors)' in output for name in head)


# --- the files


@pytest.mark.parametrize('wrapper', ['state_dict', 'model', 'model_state_dict', 'net'])
def test_a_wrapped_state_dict_is_found(convert: Callable, wrapper: str) -> None:
    tensors = cheap(hrnet_shapes(8))
    wrapped = {wrapper: released(tensors), 'epoch': 3, 'optimizer': {'state': {}, 'param_groups': []}}
    assert len(load_weights(convert(wrapped))) == len(tensors)


@pytest.mark.parametrize('prefix', ['module.net.', 'net.'])
def test_a_file_saved_without_dataparallel_is_the_same(
    convert: Callable, capsys: pytest.CaptureFixture, prefix: str
) -> None:
    convert(released(cheap(hrnet_shapes(8)), prefix))
    assert 'FOCAL (HRNet), W8' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('make', 'name'),
    [
        (lambda: cheap(sam_shapes(**SMALL)), 'image_encoder.blocks.2.attn.qkv.bias'),
        (lambda: cheap(sam_shapes(**SMALL)), 'image_encoder.pos_embed'),
        (lambda: cheap(sam_shapes(**SMALL)), 'image_encoder.neck.3.bias'),
        (lambda: cheap(hrnet_shapes(8)), 'stage4.2.fuse_layers.0.3.1.running_var'),
        (lambda: cheap(hrnet_shapes(8)), 'stage2.0.branches.0.0.conv1.weight'),
    ],
)
def test_a_missing_tensor_and_one_of_another_shape_are_told(refused: Callable, make: Callable, name: str) -> None:
    tensors = released(make())
    assert f'missing: {FOCALS}{name}' in refused({each: v for each, v in tensors.items() if each != FOCALS + name})
    message = refused({**tensors, FOCALS + name: torch.zeros(3, 5, 7)})
    assert f'{FOCALS}{name}' in message
    assert '(3, 5, 7)' in message


def test_a_lost_block_of_a_published_size_is_told(refused: Callable) -> None:
    tensors = cheap(full_sam_shapes('base'))
    message = refused({name: value for name, value in tensors.items() if 'blocks.11.' not in name})
    assert message.count('missing: image_encoder.blocks.11.') == 14


@pytest.mark.parametrize('name', ['module.net.image_encoder.cls_token', 'module.net.classifier.weight', 'other'])
def test_an_unexpected_tensor_is_told(refused: Callable, name: str) -> None:
    tensors = released(cheap(sam_shapes(**SMALL)))
    message = refused({**tensors, name: torch.zeros(1)})
    assert '1 tensors are not' in message
    assert f'unexpected: {name}\n' in message


def test_a_long_list_is_told_to_the_end(refused: Callable) -> None:
    others = [f'other.{number}' for number in range(500)]
    message = refused(released(cheap(hrnet_shapes(8))) | {name: torch.zeros(1) for name in others})
    assert '500 tensors are not' in message
    assert [line.strip() for line in message.splitlines() if 'unexpected' in line] == [
        f'unexpected: {name}' for name in others
    ]


@pytest.mark.parametrize(
    ('content', 'said'),
    [
        ({'backbone.conv1.weight': torch.zeros(1)}, 'neither image_encoder.* (a ViT) nor stage2.*.branches.*'),
        ({}, 'holds no state dict'),
        ([torch.zeros(1)], 'holds no state dict'),
        ({'model': {'epoch': 3}}, 'holds no state dict'),
    ],
    ids=['another network', 'empty', 'a list', 'no weights'],
)
def test_other_contents_are_refused(refused: Callable, content: object, said: str) -> None:
    message = refused(content)
    assert 'cannot be converted: it ' in message
    assert said in message
    assert 'files that --help names' in message


class MakesAFolder:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.folder),)


def test_a_file_with_pickled_objects_is_refused_and_does_not_run(refused: Callable, tmp_path: Path) -> None:
    message = refused({'state_dict': released(cheap(hrnet_shapes(8))), 'args': MakesAFolder(tmp_path / 'trace')})
    assert 'needs pickled objects' in message
    assert 'save its state dict alone' in message
    assert not (tmp_path / 'trace').exists()


@pytest.mark.parametrize(
    'content', [b'', b'<html>too many downloads</html>', None], ids=['empty', 'a web page', 'gone']
)
def test_an_unreadable_file_is_named(root: Path, run_tool: Callable, tmp_path: Path, content: bytes | None) -> None:
    source, target = tmp_path / 'FOCAL_ViT_weights.pth', tmp_path / 'converted.pth'
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(SystemExit, match=r'FOCAL_ViT_weights\.pth .*(cannot be read|does not exist)') as stop:
        run_tool(root / 'tools' / 'model_converters' / 'focal2mmseg.py', source, target)
    assert 'Download it again' in stop.value.code
    assert not target.exists()


def test_the_released_file_is_not_written_over(root: Path, run_tool: Callable, tmp_path: Path) -> None:
    source = tmp_path / 'released.pth'
    torch.save(released(cheap(hrnet_shapes(8))), source)
    before = source.read_bytes()
    with pytest.raises(SystemExit, match='give another OUT'):
        run_tool(root / 'tools' / 'model_converters' / 'focal2mmseg.py', source, source)
    assert source.read_bytes() == before


def test_help_has_an_example(root: Path, run_tool: Callable, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        run_tool(root / 'tools' / 'model_converters' / 'focal2mmseg.py', '--help')
    assert 'focal2mmseg.py FOCAL_ViT_weights.pth focal_vit.pth' in capsys.readouterr().out


# --- the configs


@pytest.mark.parametrize('network', ['vit', 'hrnet'])
def test_a_converted_file_is_tested_as_any_checkpoint(
    root: Path, convert: Callable, small_config: Callable, network: str
) -> None:
    path = convert(released(small_vit() if network == 'vit' else hrnet()))
    cfg = small_config(root / 'configs' / f'focal_{network}_official.py')
    cfg.model = small_official(root, network).model
    cfg.load_from = str(path)
    runner = Runner.from_cfg(cfg)
    figures = runner.test()
    assert 0 <= figures['forgery/macro_f1'] <= 1
    loaded = runner.model.state_dict()
    for name, value in load_weights(path).items():
        torch.testing.assert_close(loaded[name], value, rtol=0, atol=0)


def test_the_released_fusion_is_vits_map_with_every_fourth_point_of_hrnets(
    root: Path, convert: Callable, tmp_path: Path
) -> None:
    cfg = Config.fromfile(root / 'configs' / 'focal_fusion_official.py')
    released_names = [f'focal_{network}_official.py' for network in ('vit', 'hrnet')]
    assert [Path(member.config).name for member in cfg.model.members] == released_names
    for network, member in zip(('vit', 'hrnet'), cfg.model.members, strict=True):
        small = small_official(root, network)
        for step in (*small.test_pipeline, small.model.data_preprocessor):
            step.update({key: (128, 128) for key in ('scale', 'size') if key in step})
        small.dump(tmp_path / f'{network}.py')
        converted = convert(released(small_vit() if network == 'vit' else hrnet()))
        member.update(config=str(tmp_path / f'{network}.py'), checkpoint=str(converted.rename(tmp_path / network)))
    model = MODELS.build(cfg.model).eval()
    assert isinstance(model.decode_head.clusterer, KMeansClusterer)
    bgr = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 128, 128), np.uint8))
    image = bgr.flip(0) / 255
    vit = sam_features(image, Weights(small_vit()), SMALL['heads'], SMALL['window'], SMALL['global_blocks'])
    hrnets = hrnet_features(image, Weights(hrnet()))[:, ::4, ::4]
    with torch.no_grad():
        (fused,) = model([bgr], mode='tensor')
    expected = torch.cat([F.normalize(vit, dim=0), F.normalize(hrnets, dim=0)]) / 2**0.5
    torch.testing.assert_close(fused, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize('network', ['vit', 'hrnet'])
def test_the_clusterer_is_k_means_and_one_override_makes_it_hdbscan(root: Path, network: str) -> None:
    cfg = Config.fromfile(root / 'configs' / f'focal_{network}_official.py')
    with torch.device('meta'):
        clusterer = MODELS.build(cfg.model).decode_head.clusterer
        assert isinstance(clusterer, KMeansClusterer)
        assert clusterer.n_clusters == 2
        cfg.merge_from_dict({'model.decode_head.clusterer.type': 'HDBSCANClusterer'})
        assert isinstance(MODELS.build(cfg.model).decode_head.clusterer, HDBSCANClusterer)
    assert [step.scale for step in cfg.test_pipeline if step.type == 'Resize'] == [(1024, 1024)]
