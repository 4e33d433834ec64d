"""IF-OSN: released-style files through the converter and the config to the released answers; training."""

import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
import torch
from ifosn_reference import BLOCKS, PREFIX, detector_shapes, score_map, unet_shapes
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmseg.registry import DATASETS, MODELS
from released_rule import filled, stored_answers, stored_shapes

from focal_mmseg.apis import FOCALInferencer
from focal_mmseg.datasets.synthesis import load_packaged
from focal_mmseg.engine import conversion
from focal_mmseg.engine.checkpoint import load_weights
from focal_mmseg.models.osn_noise import ResidualUNet

CONFIGS = ('ifosn', 'ifosn_retrained', 'ifosn_retrained_osn')
SMALL = {
    'model.backbone.model_name': 'lcnet_035',
    'model.decode_head.in_channels': [16, 24, 48, 88, 176],
    'model.decode_head.widths': [16, 8, 8, 4],
    'model.decode_head.channels': 4,
}


@pytest.fixture
def ifosn2mmseg(load_tool: Callable) -> ModuleType:
    return load_tool('model_converters/ifosn2mmseg.py')


@pytest.fixture
def convert(root: Path, run_tool: Callable, tmp_path: Path) -> Callable[[dict], dict]:
    def run(content: dict) -> dict:
        torch.save(content, tmp_path / 'released.pth')
        run_tool(
            root / 'tools' / 'model_converters' / 'ifosn2mmseg.py', tmp_path / 'released.pth', tmp_path / 'out.pth'
        )
        return load_weights(tmp_path / 'out.pth')

    return run


def cheap(shapes: dict[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    """Tensors of these shapes that hold one number each, on the disk too."""
    return {name: torch.zeros(()).expand(shape) for name, shape in shapes.items()}


def score_of(config: Path, checkpoint: Path, image: np.ndarray, folder: Path, **options: object) -> np.ndarray:
    """Of an RGB image, as a file through the whole pipeline."""
    cv2.imwrite(str(folder / 'image.png'), image[..., ::-1])
    return FOCALInferencer(config, checkpoint, 'cpu', options)(folder / 'image.png').score


# --- released weights


def test_released_names_through_the_tool_give_the_released_answer(
    root: Path, convert: Callable, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    answers = stored_answers('osn')
    state = convert(filled(stored_shapes('osn'), float(answers['gain'])))
    assert len(state) == 1182
    told = capsys.readouterr().out
    assert 'IF-OSN, detector (detector_weights.pth): 1182 tensors' in told and 'licence: MIT' in told
    config, image = root / 'configs' / 'peers' / 'ifosn.py', answers['picture_rgb']
    exact = {'model.test_cfg.eight_bit': False}
    score = score_of(config, tmp_path / 'out.pth', image, tmp_path, **exact)
    assert np.ptp(answers['forged']) > 0.5
    np.testing.assert_allclose(score, answers['forged'], atol=1e-4)


def test_the_stated_names_are_the_released_ones() -> None:
    assert detector_shapes() == stored_shapes('osn')


def test_the_rule_through_the_converter_is_equal_to_the_statement(
    root: Path, ifosn2mmseg: ModuleType, tmp_path: Path
) -> None:
    blocks = (1, 2, 1, 1)
    mine = tmp_path / 'mine.py'
    base = (root / 'configs' / 'peers' / 'ifosn.py').as_posix()
    mine.write_text(f"_base_ = '{base}'\nmodel = dict(backbone=dict(layers={list(blocks)}))\n")
    state = filled(detector_shapes(blocks), 1.8)
    release = dataclasses.replace(ifosn2mmseg.identify_release(state), config=str(mine))
    conversion.write(conversion.convert(state, release).state, tmp_path / 'mine.pth')
    image = cv2.resize(load_packaged('chelsea'), (75, 67))
    with torch.no_grad():
        wanted = score_map(torch.from_numpy(image).permute(2, 0, 1).double(), {k: v.double() for k, v in state.items()})
    assert wanted.std() > 0.01
    exact = {'model.test_cfg.eight_bit': False}
    score = score_of(mine, tmp_path / 'mine.pth', image, tmp_path, **exact)
    np.testing.assert_allclose(score, wanted.numpy(), atol=1e-4)
    # As released, through 8 bits.
    score = score_of(mine, tmp_path / 'mine.pth', image, tmp_path)
    np.testing.assert_allclose(score * 255, (wanted * 255).round().numpy(), atol=1.01)
    assert np.abs(score * 255 - (score * 255).round()).max() < 1e-3


def test_what_a_training_saved_is_told_apart(convert: Callable, capsys: pytest.CaptureFixture) -> None:
    noise = {f'module.osn_net.{name}': value for name, value in cheap(unet_shapes(4)).items()}
    found = convert(cheap(detector_shapes()) | noise)
    assert len(found) == len(detector_shapes())
    assert f'dropped: osn_net ({len(noise)} tensors)' in capsys.readouterr().out


def test_a_file_without_the_wrapper_of_several_gpus_too(convert: Callable) -> None:
    bare = {name.removeprefix('module.'): value for name, value in cheap(detector_shapes()).items()}
    assert len(convert(bare)) == len(bare)


FAULTS = {
    'another depth': (lambda: cheap(detector_shapes((3, 8, 35, 3))), 'missing: backbone.timm_model.layer3.35.conv1'),
    'a foreign tensor': (lambda: cheap(detector_shapes() | {f'{PREFIX}x.weight': (1,)}), 'unexpected: .*x.weight'),
    'another width': (
        lambda: cheap(detector_shapes() | {f'{PREFIX}final.0.weight': (2, 32, 1, 1)}),
        r'final.0.weight: \(2, 32, 1, 1\) in the file, \(1, 32, 1, 1\) in the network',
    ),
    'another network': (lambda: dict(weight=torch.zeros(1)), 'neither the detector .* it begins with weight'),
}


@pytest.mark.parametrize('fault', FAULTS)
def test_what_is_not_released_is_named(convert: Callable, tmp_path: Path, fault: str) -> None:
    content, says = FAULTS[fault]
    with pytest.raises(SystemExit, match=f'(?s)cannot be converted.*{says}'):
        convert(content())
    assert not (tmp_path / 'out.pth').exists()


def test_the_noise_unet_of_the_release(
    ifosn2mmseg: ModuleType, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    full = cheap(unet_shapes()) | {f'diff_jpeg.l{number}.table': torch.zeros(8, 8) for number in range(12)}
    assert len(full) == 168
    converted = conversion.convert(full, ifosn2mmseg.identify_release(full))
    assert len(converted.state) == 156 and list(converted.dropped.values()) == [12]
    # The rule at a small width: names that end up at the wrong place would give another image.
    mine = tmp_path / 'mine.py'
    base = (root / 'configs' / 'peers' / 'ifosn_retrained_osn.py').as_posix()
    mine.write_text(f"_base_ = '{base}'\nmodel = dict(noise=dict(width=4))\n")
    state = filled(unet_shapes(4), 1.5)
    release = dataclasses.replace(ifosn2mmseg.identify_release(state), config=str(mine))
    network = ResidualUNet(4).eval()
    found = conversion.convert(state, release).state
    network.load_state_dict({name.removeprefix('noise.unet.'): value for name, value in found.items()})
    image = torch.rand(1, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        torch.testing.assert_close(network(image), _changed(image, state))


def _changed(image: torch.Tensor, weights: dict[str, torch.Tensor]) -> torch.Tensor:
    """The noise U-Net by its released names."""

    def pair(values: torch.Tensor, name: str, *indices: int) -> torch.Tensor:
        for index in indices:
            values = torch.nn.functional.conv2d(
                values, weights[f'{name}.{index}.weight'], weights[f'{name}.{index}.bias'], padding=1
            )
            norm = [weights[f'{name}.{index + 1}.{part}'] for part in ('running_mean', 'running_var', 'weight', 'bias')]
            values = torch.nn.functional.batch_norm(values, *norm).relu()
        return values

    values, kept = image, []
    for level in range(1, 6):
        values = pair(values if level == 1 else torch.nn.functional.max_pool2d(values, 2), f'Conv{level}.conv', 0, 3)
        kept.append(values)
    for level in range(5, 1, -1):
        values = pair(values.repeat_interleave(2, 2).repeat_interleave(2, 3), f'Up{level}.up', 1)
        values = pair(torch.cat([kept[level - 2], values], 1), f'Up_conv{level}.conv', 0, 3)
    values = torch.nn.functional.conv2d(values, weights['Conv.weight'], weights['Conv.bias'])
    return 0.02 * values.tanh() + 0.98 * image


# --- configs


@pytest.mark.parametrize('name', CONFIGS)
def test_the_model_is_built_without_memory(root: Path, name: str) -> None:
    cfg = Config.fromfile(root / 'configs' / 'peers' / f'{name}.py')
    init_default_scope('mmseg')
    start = time.perf_counter()
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    assert time.perf_counter() - start < 5
    own = [value.numel() for key, value in model.named_parameters() if not key.startswith('noise.')]
    assert sum(own) == 128_815_441
    if name == 'ifosn':
        model.eval()
        assert model(torch.zeros(1, 3, 896, 896, device='meta'), mode='tensor').shape == (1, 2, 896, 896)


def test_the_pipeline_is_the_released_one(root: Path) -> None:
    cfg = Config.fromfile(root / 'configs' / 'peers' / 'ifosn.py')
    assert [step.type for step in cfg.test_pipeline] == ['LoadImageFromFile', 'LoadForgeryMask', 'PackSegInputs']
    init_default_scope('mmseg')
    prepare = MODELS.build(cfg.model.data_preprocessor)
    bgr = torch.tensor([0, 51, 255], dtype=torch.uint8)[:, None, None]
    (image,) = prepare(dict(inputs=[bgr]))['inputs']
    torch.testing.assert_close(image.flatten(), torch.tensor([1.0, -0.6, -1.0]))
    assert (cfg.model.test_cfg.tile, cfg.model.test_cfg.stride, cfg.model.test_cfg.eight_bit) == (896, 448, True)
    assert cfg.train_dataloader is None


def test_half_of_the_images_are_augmented_as_released(root: Path) -> None:
    cfg = Config.fromfile(root / 'configs' / 'peers' / 'ifosn_retrained.py')
    *_, augmentation, pad, crop, pack = cfg.train_pipeline
    assert (augmentation.type, augmentation.prob) == ('RandomApply', 0.5)
    scale, inner_pad, turn, jpeg, other = augmentation.transforms
    assert (scale.prob, turn.prob, jpeg.prob, other.prob) == (0.75, 0.75, 0.75, 0.25)
    assert inner_pad.size == pad.size == crop.crop_size == cfg.model.data_preprocessor.size == (896, 896)
    assert cfg.train_dataloader.dataset.pipeline == cfg.train_pipeline
    assert (cfg.optim_wrapper.optimizer, cfg.train_dataloader.batch_size) == (dict(type='Adam', lr=1e-4), 4)
    assert pack.type == 'PackSegInputs'


def small_training(small_config: Callable, root: Path, name: str, **options: object) -> Config:
    cfg = small_config(root / 'configs' / 'peers' / f'{name}.py', **SMALL, **options)
    load, mask, _, pad, crop, pack = cfg.train_dataloader.dataset.pipeline
    # The augmentation is run on its own; a runner takes many seconds to write so long a config down.
    pipeline = [load, mask, dict(pad, size=(128, 128)), dict(crop, crop_size=(128, 128)), pack]
    cfg.train_pipeline = cfg.train_dataloader.dataset.pipeline = pipeline
    return cfg


def test_the_training_pipeline_gives_crops_of_the_networks_size(root: Path, forged_set: Path) -> None:
    cfg = Config.fromfile(root / 'configs' / 'peers' / 'ifosn_retrained.py')
    cfg.train_pipeline[2].prob = 1.0
    prefix = dict(img_path='images', seg_map_path='masks')
    dataset = cfg.train_dataloader.dataset
    dataset.update(data_root=str(forged_set / 'train'), data_prefix=prefix, pipeline=cfg.train_pipeline)
    np.random.seed(0)
    for item in DATASETS.build(dataset):
        assert item['inputs'].shape == (3, 896, 896) and item['inputs'].dtype == torch.uint8
        assert item['data_samples'].gt_sem_seg.data.shape == (1, 896, 896)


@pytest.mark.parametrize('name', CONFIGS[1:])
def test_trains_one_step_and_tests_one_image(root: Path, small_config: Callable, tmp_path: Path, name: str) -> None:
    options = {'default_hooks.checkpoint.interval': 1}
    if name.endswith('osn'):
        state = ResidualUNet(4).state_dict()
        torch.save({f'noise.unet.{key}': value for key, value in state.items()}, tmp_path / 'unet.pth')
        options |= {f'model.noise.{key}': value for key, value in dict(size=(128, 128), width=4, entries=4).items()}
        options['model.noise.checkpoint'] = str(tmp_path / 'unet.pth')
    cfg = small_training(small_config, root, name, **options)
    cfg.test_dataloader.dataset.indices = [0]
    runner = Runner.from_cfg(cfg)
    before = {key: value.clone() for key, value in runner.model.state_dict().items()}
    if name.endswith('osn'):
        before |= torch.load(tmp_path / 'unet.pth')
    runner.train()
    after = runner.model.state_dict()
    changed = {key for key, value in before.items() if not torch.equal(value, after[key])}
    # At this width a gate's ReLU may let nothing through.
    learned = {key for key, _ in runner.model.named_parameters() if not key.startswith('noise.')}
    assert {key for key in learned if '.channels.' not in key} <= changed
    assert {key for key in changed if key.startswith('noise.')} == (
        {'noise.adversary.signs', 'noise.adversary.seen'} if name.endswith('osn') else set()
    )
    assert np.isfinite(runner.message_hub.get_scalar('train/loss').current())
    assert 0 <= runner.test()['forgery/iou'] <= 1

    cfg.dump(tmp_path / 'mine.py')
    focal = FOCALInferencer(tmp_path / 'mine.py', tmp_path / 'work' / 'iter_1.pth', device='cpu')
    assert focal(np.zeros((37, 41, 3), np.uint8)).mask.shape == (37, 41)


def test_a_training_without_the_noises_weights_stops(root: Path, small_config: Callable) -> None:
    cfg = small_training(small_config, root, 'ifosn_retrained_osn', **{'model.noise.width': 4})
    with pytest.raises(FileNotFoundError, match=r'weights/osn_unet\.pth does not exist'):
        Runner.from_cfg(cfg).train()


def test_the_predict_tool_takes_an_odd_image_and_a_broken_one(
    root: Path, run_tool: Callable, image_path: Path, tmp_path: Path
) -> None:
    mine = tmp_path / 'mine.py'
    base = (root / 'configs' / 'peers' / 'ifosn.py').as_posix()
    mine.write_text(f"_base_ = '{base}'\nmodel = dict(test_cfg=dict(tile=64, stride=32))\n")
    cfg = Config.fromfile(mine)
    cfg.merge_from_dict(SMALL)
    cfg.dump(mine)
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict()), tmp_path / 'mine.pth')
    arguments = ('--config', mine, '--checkpoint', tmp_path / 'mine.pth', '--device', 'cpu')
    with pytest.raises(SystemExit) as stop:
        run_tool(root / 'tools' / 'predict.py', image_path, *arguments, '--out', tmp_path / 'out')
    assert stop.value.code == 0
    summary = json.loads((tmp_path / 'out' / image_path.name / 'summary.json').read_text())
    assert (summary['width'], summary['height']) == (150, 90) and 'image_score' not in summary
    (tmp_path / 'broken.jpg').write_bytes(image_path.read_bytes()[:100])
    with pytest.raises(SystemExit) as stop:
        run_tool(root / 'tools' / 'predict.py', tmp_path / 'broken.jpg', *arguments, '--out', tmp_path / 'out')
    assert stop.value.code not in (0, None)


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
def test_on_a_gpu_as_on_a_processor(root: Path) -> None:
    cfg = Config.fromfile(root / 'configs' / 'peers' / 'ifosn.py')
    cfg.merge_from_dict({**SMALL, 'model.test_cfg.tile': 64, 'model.test_cfg.stride': 32})
    model = MODELS.build(cfg.model)
    model.eval()
    image = dict(inputs=[torch.randint(0, 256, (3, 71, 101), dtype=torch.uint8)])
    with torch.no_grad():
        wanted = model.test_step(image)[0].seg_logits.data.softmax(0)
        found = model.cuda().test_step(image)[0].seg_logits.data.softmax(0)
    torch.testing.assert_close(found.cpu(), wanted, atol=2 / 255, rtol=0)


def test_its_encoder_takes_focals_head(root: Path) -> None:
    cfg = Config.fromfile(root / 'configs' / 'focal_timm.py')
    options = {'backbone.model_name': 'legacy_senet154', 'decode_head.in_channels': [256, 512, 1024, 2048]}
    cfg.merge_from_dict({f'model.{key}': value for key, value in options.items()})
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    model.eval()
    assert model(torch.zeros(1, 3, 1024, 1024, device='meta'), mode='tensor').shape == (1, 256, 256, 256)


def test_the_encoder_has_the_published_depth() -> None:
    assert len(detector_shapes(BLOCKS)) == 1182
