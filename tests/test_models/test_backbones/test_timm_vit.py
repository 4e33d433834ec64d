"""Vision transformers of timm under FOCAL; small ones, two blocks deep, with random weights."""

import ast
import sys
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from mmengine.optim import build_optim_wrapper
from mmseg.registry import MODELS
from safetensors.torch import save_file
from torch import Tensor, nn

from focal_mmseg.models import TIMMViT

DINOV2, DINOV3, WITH_BIAS = 'vit_small_patch14_reg4_dinov2', 'vit_small_patch16_dinov3', 'vit_tiny_patch16_dinov3_qkvb'
NETWORKS = (DINOV2, DINOV3, WITH_BIAS, 'vit_tiny_patch16_224')
PATCH = {DINOV2: 14}


def build(name: str = DINOV3, **options: Any) -> TIMMViT:
    torch.manual_seed(0)
    # The tests' networks are random: with the authors' init_values their blocks would do next to nothing.
    large = {} if name == 'vit_tiny_patch16_224' else dict(init_values=1.0)
    return MODELS.build(dict(type='TIMMViT', model_name=name, depth=2, **{'pretrained': False, **large, **options}))


def image(name: str, rows: int = 3, columns: int = 5, batch: int = 1) -> Tensor:
    patch = PATCH.get(name, 16)
    return torch.randn(batch, 3, rows * patch, columns * patch, generator=torch.Generator().manual_seed(0))


def step(backbone: nn.Module, x: Tensor, **optimizer: Any) -> None:
    """One training step by mmengine's optimizer of all parameters, as Runner makes it."""
    options = {'type': 'Adam', 'lr': 1e-2, **optimizer}
    wrapper = build_optim_wrapper(backbone, dict(type='OptimWrapper', optimizer=options))
    wrapper.update_params(backbone(x)[-1].tanh().square().mean())


def own(backbone: TIMMViT) -> set[str]:
    """The names of the adapters' parameters."""
    return {name for name, _ in backbone.named_parameters() if 'lora_' in name}


def randomise(backbone: nn.Module) -> None:
    for parameter in backbone.parameters():
        nn.init.normal_(parameter.data, std=0.1)


def forbidden(*_: Any, **__: Any) -> None:
    raise AssertionError('a download was attempted')


@pytest.fixture
def no_download(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('timm.models._builder.load_state_dict_from_hf', forbidden)
    monkeypatch.setattr('timm.models._builder.load_state_dict_from_url', forbidden)


@pytest.mark.parametrize('rows, columns', [(4, 4), (3, 7)])
@pytest.mark.parametrize('name', NETWORKS)
def test_a_map_has_a_cell_a_patch(name: str, rows: int, columns: int) -> None:
    backbone = build(name, out_indices=[0, 1])
    maps = backbone(image(name, rows, columns, batch=2))
    assert isinstance(maps, tuple)
    assert [each.shape for each in maps] == [(2, backbone.vit.embed_dim, rows, columns)] * 2


@pytest.mark.parametrize('adapters', [None, dict(r=4, target_modules=['qkv', 'proj'])])
@pytest.mark.parametrize('name', NETWORKS)
def test_at_the_start_the_features_are_timms_own(name: str, adapters: dict | None) -> None:
    backbone = build(name, out_indices=[0, 1], adapters=adapters)
    torch.manual_seed(0)
    options = {} if name == 'vit_tiny_patch16_224' else dict(init_values=1.0)
    theirs = timm.create_model(name, num_classes=0, dynamic_img_size=True, depth=2, **options).eval()
    x = image(name)
    expected = theirs.forward_intermediates(x, indices=[0, 1], norm=True, intermediates_only=True)
    for map_, other in zip(backbone(x), expected, strict=True):
        torch.testing.assert_close(map_, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('name', NETWORKS)
def test_every_adapter_changes_the_features(name: str) -> None:
    backbone = build(name)
    before = backbone(image(name))[0]
    matrices = {key: value for key, value in backbone.named_parameters() if 'lora_B' in key}
    assert len(matrices) == 4
    for key, matrix in matrices.items():
        with torch.no_grad():
            nn.init.normal_(matrix)
            assert not torch.allclose(backbone(image(name))[0], before, atol=1e-3), key
            matrix.zero_()


@pytest.mark.parametrize('name', NETWORKS)
def test_gradients_reach_the_adapters_alone(name: str) -> None:
    backbone = build(name)
    randomise(backbone)
    backbone(image(name))[0].tanh().square().mean().backward()
    reached = {key for key, value in backbone.named_parameters() if value.grad is not None and value.grad.any()}
    assert reached == own(backbone)
    assert {key for key, value in backbone.named_parameters() if value.requires_grad} == own(backbone)


def test_adapters_are_in_the_attention_and_not_in_the_patch_embedding() -> None:
    places = {name.split('.lora_')[0] for name in own(build())}
    assert places == {f'vit.blocks.{block}.attn.{layer}' for block in (0, 1) for layer in ('qkv', 'proj')}


@pytest.mark.parametrize('optimizer', [dict(), dict(type='AdamW', weight_decay=0.5), dict(weight_decay=0.5)])
@pytest.mark.parametrize('name', [DINOV2, DINOV3])
def test_a_step_leaves_the_frozen_weights_bit_equal(name: str, optimizer: dict) -> None:
    backbone = build(name)
    before = {key: value.clone() for key, value in backbone.state_dict().items()}
    for _ in range(2):
        step(backbone, image(name), **optimizer)
    changed = {key for key, value in backbone.state_dict().items() if not torch.equal(value, before[key])}
    assert changed == own(backbone)


def test_without_freezing_the_network_trains_too() -> None:
    backbone = build(frozen=False, adapters=None)
    assert all(parameter.requires_grad for parameter in backbone.parameters())
    assert all(module.training for module in backbone.modules())


def test_frozen_without_adapters_nothing_trains() -> None:
    backbone = build(adapters=None)
    assert not any(parameter.requires_grad for parameter in backbone.parameters())
    assert not backbone(image(DINOV3))[0].requires_grad


def test_in_training_the_frozen_part_stays_in_evaluation_mode() -> None:
    backbone = build(
        drop_path_rate=0.9,
        proj_drop_rate=0.9,
        adapters=dict(r=4, lora_dropout=0.5, target_modules=['attn.qkv']),
    )
    training = {name for name, module in backbone.named_modules() if module.training}
    assert {name.rsplit('.', 1)[-1] for name in training - {''}} == {'lora_dropout', 'default'}
    x = image(DINOV3)
    assert torch.equal(backbone(x)[0], backbone(x)[0])  # the adapters are zero yet
    randomise(backbone)
    assert not torch.equal(backbone(x)[0], backbone(x)[0])
    backbone.eval()
    assert not any(module.training for module in backbone.modules())
    assert torch.equal(backbone(x)[0], backbone(x)[0])


def test_computing_blocks_again_gives_the_same_gradients() -> None:
    gradients = []
    for with_cp in (False, True):
        backbone = build(with_cp=with_cp)
        randomise(backbone)
        backbone(image(DINOV3))[0].tanh().square().mean().backward()
        gradients.append([value.grad for key, value in backbone.named_parameters() if key in own(backbone)])
    for plain, again in zip(*gradients, strict=True):
        torch.testing.assert_close(again, plain)


@pytest.mark.parametrize('name', [DINOV2, WITH_BIAS])
def test_a_state_dict_gives_the_features_back(name: str, tmp_path: Path) -> None:
    backbone = build(name)
    randomise(backbone)
    torch.save(backbone.state_dict(), tmp_path / 'weights.pth')
    other = build(name)
    other.load_state_dict(torch.load(tmp_path / 'weights.pth', weights_only=True))
    assert torch.equal(other(image(name))[0], backbone(image(name))[0])


def test_blocks_that_nobody_asks_for_are_dropped() -> None:
    early, late = build(out_indices=[0]), build(out_indices=[-2, -1])
    assert (len(early.vit.blocks), len(late.vit.blocks)) == (1, 2)
    assert build(out_indices=[-2]).out_indices == (0,)
    late.vit.blocks[0].load_state_dict(early.vit.blocks[0].state_dict())
    torch.testing.assert_close(late(image(DINOV3))[0], early(image(DINOV3))[0])


@pytest.mark.parametrize('out_indices', [[], [2], [-3], [1, 0], [0, 0]])
def test_wrong_indices_are_refused(out_indices: list[int]) -> None:
    with pytest.raises(ValueError, match='out_indices must be ascending indices of the 2 blocks'):
        build(out_indices=out_indices)


def test_an_input_of_broken_patches_is_refused_with_one_that_fits() -> None:
    with pytest.raises(ValueError, match=r'patches of 14x14 .* 100x140.* 98x140'):
        build(DINOV2)(torch.zeros(1, 3, 100, 140))


def test_a_network_that_is_no_vision_transformer_is_refused() -> None:
    with pytest.raises(ValueError, match=r'resnet18 .* TIMMBackbone'):
        MODELS.build(dict(type='TIMMViT', model_name='resnet18', pretrained=False))


def test_an_init_cfg_is_refused() -> None:
    assert build(init_cfg=None)
    with pytest.raises(ValueError, match='checkpoint_path'):
        build(init_cfg=dict(type='Pretrained', checkpoint='a.pth'))


def test_a_model_that_is_only_built_downloads_nothing(no_download: None, tmp_path: Path) -> None:
    build(pretrained=True).eval()(image(DINOV3))
    build(checkpoint_path=str(tmp_path / 'missing.pth'))


def test_random_weights_stay_those_of_the_build(no_download: None) -> None:
    backbone = build(frozen=False)
    before = {key: value.clone() for key, value in backbone.state_dict().items()}
    backbone.init_weights()
    assert all(torch.equal(value, before[key]) for key, value in backbone.state_dict().items())


@pytest.mark.filterwarnings('error')
def test_a_frozen_network_without_weights_is_told(no_download: None) -> None:
    backbone = build(pretrained=False)
    before = {key: value.clone() for key, value in backbone.state_dict().items()}
    with pytest.warns(UserWarning, match=rf'{DINOV3} is frozen .*random.*checkpoint_path=.*frozen=False'):
        backbone.init_weights()
    backbone.init_weights()
    assert all(torch.equal(value, before[key]) for key, value in backbone.state_dict().items())
    build(pretrained=False, frozen=False).init_weights()


def test_the_start_of_a_training_loads_in_place_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(7)
    pretrained = timm.create_model(WITH_BIAS, num_classes=0, dynamic_img_size=True, depth=2, init_values=1.0)
    asked = []

    def load(model: nn.Module, **_: Any) -> None:
        asked.append(model)
        model.load_state_dict(pretrained.state_dict())

    monkeypatch.setattr('timm.models._builder.load_pretrained', load)
    backbone = build(WITH_BIAS, pretrained=True)
    assert not asked
    parameters = list(backbone.parameters())
    nn.Sequential(backbone)
    backbone.init_weights()
    backbone.init_weights()
    assert len(asked) == 1
    assert all(mine is before for mine, before in zip(backbone.parameters(), parameters, strict=True))
    x = image(WITH_BIAS)
    expected = pretrained.eval().forward_intermediates(x, indices=[1], norm=True, intermediates_only=True)[0]
    torch.testing.assert_close(backbone(x)[0], expected, rtol=1e-5, atol=1e-5)


def test_a_failed_download_names_the_model_and_the_ways_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError('no network')

    monkeypatch.setattr('timm.models._builder.load_pretrained', fail)
    with pytest.raises(RuntimeError, match=rf'{DINOV3}.*checkpoint_path=.*pretrained=False.*no network'):
        build(pretrained=True).init_weights()


@pytest.mark.parametrize('ending', ['pth', 'safetensors'])
@pytest.mark.parametrize('name', NETWORKS)
def test_a_local_file_is_loaded(name: str, ending: str, tmp_path: Path, no_download: None) -> None:
    source = build(name, adapters=None)
    randomise(source)
    state, path = source.vit.state_dict(), tmp_path / f'weights.{ending}'
    state['head.weight'], state['head.bias'] = torch.zeros(9, source.vit.embed_dim), torch.zeros(9)
    torch.save(dict(state_dict=state), path) if ending == 'pth' else save_file(state, path)
    backbone = build(name, pretrained=True, checkpoint_path=str(path))
    backbone.init_weights()
    torch.testing.assert_close(backbone(image(name))[0], source(image(name))[0], rtol=1e-5, atol=1e-4)


def test_a_file_in_the_names_of_dinov2s_authors_is_loaded(tmp_path: Path) -> None:
    source = build(DINOV2, adapters=None)
    randomise(source)
    state = dict(source.vit.state_dict(), mask_token=torch.zeros(1, 384))
    state['register_tokens'] = state.pop('reg_token')
    state['pos_embed'] = torch.cat([torch.ones(1, 1, 384), state['pos_embed']], dim=1)
    state['cls_token'] = state['cls_token'] - 1
    torch.save(state, tmp_path / 'authors.pth')
    backbone = build(DINOV2, checkpoint_path=str(tmp_path / 'authors.pth'))
    backbone.init_weights()
    torch.testing.assert_close(backbone(image(DINOV2))[0], source(image(DINOV2))[0], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize('name', NETWORKS)
def test_a_file_that_lacks_weights_is_refused_by_their_names(name: str, tmp_path: Path) -> None:
    state = build(name, adapters=None).vit.state_dict()
    state['blocks.1.mlp.fc1.strange'] = state.pop('blocks.1.mlp.fc1.weight')
    torch.save(state, tmp_path / 'weights.pth')
    backbone = build(name, checkpoint_path=str(tmp_path / 'weights.pth'))
    with pytest.raises(ValueError, match=rf'weights.pth does not fit {name}.*blocks.1.mlp.fc1.weight') as caught:
        backbone.init_weights()
    assert 'blocks.1.mlp.fc1.strange' in str(caught.value)


@pytest.mark.parametrize('name', [DINOV2, DINOV3])
def test_a_file_of_another_network_is_refused(name: str, tmp_path: Path) -> None:
    torch.save(nn.Conv2d(3, 3, 1).state_dict(), tmp_path / 'weights.pth')
    with pytest.raises(ValueError, match=f'weights.pth does not fit {name}'):
        build(name, checkpoint_path=str(tmp_path / 'weights.pth')).init_weights()


@pytest.mark.parametrize('ending', ['pth', 'safetensors'])
def test_a_missing_or_damaged_file_is_named(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f'weights.{ending}'
    backbone = build(checkpoint_path=str(path))
    with pytest.raises(FileNotFoundError, match='weights'):
        backbone.init_weights()
    path.write_bytes(b'nothing')
    with pytest.raises(ValueError, match=r'weights.* cannot be read'):
        backbone.init_weights()


def test_a_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Touch:
        def __reduce__(self) -> tuple:
            return Path.touch, (tmp_path / 'touched',)

    torch.save(dict(state_dict=Touch()), tmp_path / 'weights.pth')
    with pytest.raises(ValueError, match='can run code'):
        build(checkpoint_path=str(tmp_path / 'weights.pth')).init_weights()
    assert not (tmp_path / 'touched').exists()


@pytest.mark.parametrize('package', ['timm', 'peft'])
def test_a_missing_package_is_named_with_its_extra(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf"{package}: pip install '\.\[dino\]'"):
        build()


def test_without_adapters_peft_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'peft', None)
    assert build(adapters=None)


def test_no_module_imports_either_at_its_top(root: Path) -> None:
    for path in (root / 'focal_mmseg').rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ''] if isinstance(node, ast.ImportFrom) else []
            assert not {name.split('.')[0] for name in names} & {'timm', 'peft'}, path
