"""MVSS-Net: released-style files through the converter and the config to the released answers; training."""

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
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmseg.registry import DATASETS, MODELS
from mmseg.structures import SegDataSample
from mvss_reference import SOBEL, not_by_rule, released_shapes, score_maps
from released_rule import filled, stored_answers, stored_shapes

from focal_mmseg.apis import FOCALInferencer
from focal_mmseg.datasets.synthesis import load_packaged
from focal_mmseg.engine import conversion
from focal_mmseg.engine.checkpoint import load_weights
from focal_mmseg.utils.benchmarking import least_extra_memory

CONFIGS = ('mvss', 'mvss_retrained')
BASE = 4
SMALL = {
    'model.backbone.network.stem_channels': BASE,
    'model.backbone.network.base_channels': BASE,
    'model.decode_head.in_channels': [32 * BASE] * 2,
    'model.decode_head.channels': 16 * BASE,
    'model.decode_head.pam_channels': 2 * BASE,
    'model.auxiliary_head.in_channels': [4 * BASE, 8 * BASE, 16 * BASE, 32 * BASE],
}


@pytest.fixture
def mvss2mmseg(load_tool: Callable) -> ModuleType:
    return load_tool('model_converters/mvss2mmseg.py')


@pytest.fixture
def convert(root: Path, run_tool: Callable, tmp_path: Path) -> Callable[[dict], dict]:
    def run(content: dict) -> dict:
        torch.save(content, tmp_path / 'released.pth')
        run_tool(root / 'tools' / 'model_converters' / 'mvss2mmseg.py', tmp_path / 'released.pth', tmp_path / 'out.pth')
        return load_weights(tmp_path / 'out.pth')

    return run


@pytest.fixture
def small(root: Path, tmp_path: Path) -> Path:
    """The config with narrow networks, as a file."""
    cfg = Config.fromfile(root / 'configs' / 'peers' / 'mvss.py')
    cfg.merge_from_dict(SMALL)
    cfg.dump(tmp_path / 'small.py')
    return tmp_path / 'small.py'


def cheap(shapes: dict[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    """Tensors of these shapes that hold few numbers, on the disk too; the filters are Sobel's."""
    found = {name: torch.zeros(()).expand(shape) for name, shape in shapes.items()}
    for name, shape in shapes.items():
        if name.startswith('sobel_') and name.endswith('.0.weight'):
            found[name] = torch.tensor(SOBEL if name[6] == 'x' else SOBEL.T).float().expand(shape)
    return found


def built(cfg: Config) -> torch.nn.Module:
    init_default_scope('mmseg')
    model = revert_sync_batchnorm(MODELS.build(cfg.model))
    model.eval()
    return model


def as_it_is(image: np.ndarray) -> dict:
    """Options: no resizing, no 8 bits."""
    return {'test_pipeline.1.scale': image.shape[1::-1], 'model.decode_head.eight_bit': False}


# --- released weights


def test_released_names_through_the_tool_give_the_released_answer(
    root: Path, convert: Callable, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    answers = stored_answers('mvss')
    state = convert(filled(stored_shapes('mvss'), float(answers['gain']), not_by_rule))
    assert len(state) == 788
    told = capsys.readouterr().out
    assert 'MVSS-Net (mvssnet_casia.pt): 788 tensors' in told and 'licence: the authors give none' in told
    assert 'dropped: fc (4 tensors)' in told and 'dropped: sobel filters (8 tensors)' in told
    image = answers['picture_rgb']
    cv2.imwrite(str(tmp_path / 'image.png'), image[..., ::-1])
    config = root / 'configs' / 'peers' / 'mvss.py'
    focal = FOCALInferencer(config, tmp_path / 'out.pth', 'cpu', as_it_is(image))
    edges = []
    focal.model.auxiliary_head.register_forward_hook(lambda module, inputs, output: edges.append(output[0, 1]))
    prediction = focal(tmp_path / 'image.png')
    assert np.ptp(answers['forged']) > 0.2
    np.testing.assert_allclose(prediction.score, answers['forged'], atol=2e-4)
    assert prediction.summary['image_score'] == pytest.approx(answers['forged'].max(), abs=2e-4)
    np.testing.assert_allclose(edges[0].numpy(), answers['edge_logits'], atol=2e-4)


def test_the_stated_names_are_the_released_ones() -> None:
    assert released_shapes() == stored_shapes('mvss')


@pytest.fixture
def by_rule_and_statement(mvss2mmseg: ModuleType, small: Path, tmp_path: Path) -> tuple[dict[str, torch.Tensor], Path]:
    state = filled(released_shapes(BASE, 10), 1.5, not_by_rule)
    state |= {name: torch.full((1,), 0.7) for name in ('head.pam.alpha', 'head.cam.beta')}
    # So narrow an edge branch would end at a ReLU that lets nothing through.
    blocks = [name for name in state if name.startswith('erb_') and state[name].ndim == 4]
    state |= {name: state[name].abs() for name in blocks}
    release = dataclasses.replace(mvss2mmseg.identify_release(state), config=str(small))
    conversion.write(conversion.convert(state, release).state, tmp_path / 'small.pth')
    return {name: value.double() for name, value in state.items()}, tmp_path / 'small.pth'


@torch.no_grad()
def test_the_rule_through_the_converter_is_equal_to_the_statement(
    small: Path, by_rule_and_statement: tuple, tmp_path: Path
) -> None:
    weights, checkpoint = by_rule_and_statement
    image = cv2.resize(load_packaged('chelsea'), (96, 64))
    cv2.imwrite(str(tmp_path / 'image.png'), image[..., ::-1])
    bgr = torch.from_numpy(image[..., ::-1].copy()).permute(2, 0, 1).double()
    forged, edges = score_maps(bgr, weights)
    assert forged.std() > 0.02 and edges.std() > 0.02
    focal = FOCALInferencer(small, checkpoint, 'cpu', as_it_is(image))
    found = []
    focal.model.auxiliary_head.register_forward_hook(lambda module, inputs, output: found.append(output[0, 1]))
    score = focal(tmp_path / 'image.png').score
    np.testing.assert_allclose(score, forged.sigmoid().numpy(), atol=1e-4)
    np.testing.assert_allclose(found[0].numpy(), edges.numpy(), rtol=1e-5)
    # The channels' order is the file's own: with red first it is another network.
    other = score_maps(bgr.flip(0), weights)[0].sigmoid().numpy()
    assert np.abs(score - other).max() > 0.01


@torch.no_grad()
def test_as_released_an_image_is_squashed_and_its_score_goes_through_8_bits(
    small: Path, by_rule_and_statement: tuple, image_path: Path
) -> None:
    weights, checkpoint = by_rule_and_statement
    image = cv2.resize(cv2.imread(str(image_path)), (512, 512), interpolation=cv2.INTER_LINEAR)
    logit, _ = score_maps(torch.from_numpy(image).permute(2, 0, 1).double(), weights)
    levels = (logit.sigmoid().numpy() * 255).astype(np.uint8)
    levels = cv2.resize(levels, (150, 90), interpolation=cv2.INTER_LINEAR)
    prediction = FOCALInferencer(small, checkpoint, 'cpu')(image_path)
    # A score at the edge of a level may fall to either side.
    assert np.abs(prediction.score * 255 - levels).max() < 1.01
    assert (np.abs(prediction.score * 255 - levels) > 0.01).mean() < 0.02
    np.testing.assert_array_equal(prediction.mask == 255, prediction.score > 127.5 / 255)
    assert prediction.summary['image_score'] == pytest.approx(float(prediction.score.max()), abs=1e-5)


FAULTS = {
    'a missing tensor': (
        lambda state: {name: value for name, value in state.items() if name != 'erb_trans_2.bn.bias'},
        r'missing: auxiliary_head\.steps\.1\.refine\.1\.bias',
    ),
    'a foreign tensor': (lambda state: state | {'erb_db_1.conv4.bias': torch.zeros(1)}, r'unexpected: erb_db_1\.conv4'),
    'a filter that is not Sobel': (
        lambda state: state | {'sobel_x3.0.weight': torch.tensor(SOBEL.T).float().expand(1, 1024, 3, 3)},
        r'sobel_x3\.0\.weight is not the Sobel filter',
    ),
    'another shape': (
        lambda state: state | {'constrain_conv.kernel': torch.zeros(3, 1, 24)},
        r'constrain_conv\.kernel: \(3, 1, 24\) in the file, \(1, 3, 24\) in the network',
    ),
    'another network': (lambda state: {'conv1.weight': torch.zeros(1)}, 'is no MVSS-Net; it begins with conv1.weight'),
}


@pytest.mark.parametrize('fault', FAULTS)
def test_what_is_not_released_is_named(mvss2mmseg: ModuleType, fault: str) -> None:
    change, says = FAULTS[fault]
    state = change(cheap(released_shapes()))
    with pytest.raises(ValueError, match=f'(?s){says}'):
        conversion.convert(state, mvss2mmseg.identify_release(state))


# --- configs


@pytest.mark.parametrize('name', CONFIGS)
def test_the_model_is_built_without_memory(root: Path, name: str) -> None:
    cfg = Config.fromfile(root / 'configs' / 'peers' / f'{name}.py')
    start = time.perf_counter()
    with torch.device('meta'):
        model = built(cfg)
    assert time.perf_counter() - start < 5
    # Less the two classifiers and the filters, which the released network counts.
    unused = 2 * (2048 * 1000 + 1000) + 2 * 9 * (256 + 512 + 1024 + 2048)
    assert sum(value.numel() for value in model.parameters()) == 146_880_335 - unused
    assert model(torch.zeros(1, 3, 512, 512, device='meta'), mode='tensor').shape == (1, 2, 512, 512)


def test_the_pipeline_is_the_released_one(root: Path) -> None:
    cfg = Config.fromfile(root / 'configs' / 'peers' / 'mvss.py')
    assert [step.type for step in cfg.test_pipeline] == [
        'LoadImageFromFile', 'Resize', 'LoadForgeryMask', 'PackSegInputs',
    ]  # fmt: skip
    assert cfg.test_pipeline[1] == dict(type='Resize', scale=(512, 512), keep_ratio=False)
    assert cfg.train_dataloader is None
    prepare = MODELS.build(cfg.model.data_preprocessor)
    (image,) = prepare(dict(inputs=[torch.tensor([0, 0, 255], dtype=torch.uint8)[:, None, None]]))['inputs']
    wanted = [-0.485 / 0.229, -0.456 / 0.224, (1 - 0.406) / 0.225]
    torch.testing.assert_close(image.flatten(), torch.tensor(wanted))


def test_trains_one_step_and_tests_one_image(root: Path, small_config: Callable, tmp_path: Path) -> None:
    cfg = small_config(
        root / 'configs' / 'peers' / 'mvss_retrained.py', **SMALL, **{'default_hooks.checkpoint.interval': 1}
    )
    cfg.test_dataloader.dataset.indices = [0]
    cfg.train_dataloader.batch_size = 4
    runner = Runner.from_cfg(cfg)
    before = {key: value.detach().clone() for key, value in runner.model.named_parameters()}
    runner.train()
    still = {key for key, value in runner.model.named_parameters() if torch.equal(value, before[key])}
    # The attention's gates, and the last norms of the residual blocks, begin at 0 and let nothing through.
    assert {key for key in still if 'pam.' not in key and '.layer' not in key} == set()
    log = {key: runner.message_hub.get_scalar(f'train/{key}').current() for key in LOSSES}
    assert all(np.isfinite(value) for value in log.values()) and log['loss'] == pytest.approx(
        sum(value for key, value in log.items() if key != 'loss'), rel=1e-4
    )
    assert 0 <= runner.test()['forgery/iou'] <= 1


LOSSES = ('loss', 'decode.loss_dice', 'decode.loss_image', 'aux.loss_dice')


def test_the_training_pipeline_forges_and_marks_edges(root: Path, forged_set: Path) -> None:
    cfg = Config.fromfile(root / 'configs' / 'peers' / 'mvss_retrained.py')
    for step in cfg.train_pipeline:
        if step.type == 'RandomApply':
            step.prob = 1.0
    dataset = cfg.train_dataloader.dataset
    prefix = dict(img_path='images', seg_map_path='masks')
    dataset.update(data_root=str(forged_set / 'train'), data_prefix=prefix, pipeline=cfg.train_pipeline)
    np.random.seed(0)
    for item in DATASETS.build(dataset):
        assert item['inputs'].shape == (3, 512, 512)
        mask, edge = item['data_samples'].gt_sem_seg.data, item['data_samples'].gt_edge_map.data
        # Every image has a rectangle now, the pristine one too.
        assert bool((mask == 1).any()) and 0 < float(edge.float().mean()) < 0.3


@torch.no_grad()
def test_images_of_a_batch_of_any_sizes_get_what_they_get_alone(small: Path) -> None:
    model = built(Config.fromfile(small))
    sizes = ((90, 150), (1, 7), (64, 64))
    inputs = [torch.randint(0, 256, (3, 64, 64), dtype=torch.uint8) for _ in sizes]

    def samples() -> list[SegDataSample]:
        return [SegDataSample(metainfo=dict(img_shape=(64, 64), ori_shape=size)) for size in sizes]

    together = model.test_step(dict(inputs=inputs, data_samples=samples()))
    for number, found in enumerate(together):
        (alone,) = model.test_step(dict(inputs=[inputs[number]], data_samples=[samples()[number]]))
        assert found.seg_logits.shape == found.edge.shape == sizes[number]
        torch.testing.assert_close(found.seg_logits.data, alone.seg_logits.data)
        torch.testing.assert_close(found.edge.data, alone.edge.data)
        assert found.image_score == alone.image_score


@torch.no_grad()
def test_a_large_image_needs_64_bytes_a_pixel_beside_the_network(
    small: Path,
) -> None:
    model = built(Config.fromfile(small))

    def data(*size: int) -> dict:
        sample = SegDataSample(metainfo=dict(img_shape=(64, 64), ori_shape=size))
        return dict(inputs=[torch.zeros(3, 64, 64, dtype=torch.uint8)], data_samples=[sample])

    _, least = least_extra_memory(lambda: model.test_step(data(64, 64)), torch.device('cpu'))
    (sample,), memory = least_extra_memory(lambda: model.test_step(data(1500, 2000)), torch.device('cpu'))
    assert sample.seg_logits.shape == (1500, 2000)
    assert memory is None or (memory - least) * 2**20 / (1500 * 2000) < 80


def test_its_extractor_takes_focals_head(root: Path, tmp_path: Path) -> None:
    page = (root / 'docs' / 'guide' / 'mvss.md').read_text()
    text = page.split("## Its extractor under FOCAL's head")[1].split('```')[1].removeprefix('python')
    mine = tmp_path / 'mine.py'
    mine.write_text(text.replace('./focal_hrnet.py', (root / 'configs' / 'focal_hrnet.py').as_posix()))
    with torch.device('meta'):
        model = built(Config.fromfile(mine))
    assert model(torch.zeros(1, 3, 1024, 1024, device='meta'), mode='tensor').shape == (1, 256, 256, 256)


@torch.no_grad()
def test_sides_that_are_no_multiples_of_16_are_named(small: Path) -> None:
    model = built(Config.fromfile(small))
    with pytest.raises(ValueError, match='multiples of 16, got an input of 120x128'):
        model.test_step(dict(inputs=[torch.zeros(3, 120, 128, dtype=torch.uint8)]))


def test_the_predict_tool_takes_an_odd_image_and_names_a_broken_one(
    run_tool: Callable, root: Path, small: Path, image_path: Path, tmp_path: Path
) -> None:
    torch.save(dict(state_dict=built(Config.fromfile(small)).state_dict()), tmp_path / 'small.pth')
    arguments = (
        '--config',
        small,
        '--checkpoint',
        tmp_path / 'small.pth',
        '--device',
        'cpu',
        '--out',
        tmp_path / 'out',
    )
    with pytest.raises(SystemExit) as stop:
        run_tool(root / 'tools' / 'predict.py', image_path, *arguments)
    assert stop.value.code == 0
    summary = json.loads((tmp_path / 'out' / image_path.name / 'summary.json').read_text())
    assert (summary['width'], summary['height']) == (150, 90) and 0 <= summary['image_score'] <= 1
    (tmp_path / 'broken.jpg').write_bytes(image_path.read_bytes()[:100])
    with pytest.raises(SystemExit) as stop:
        run_tool(root / 'tools' / 'predict.py', tmp_path / 'broken.jpg', *arguments)
    assert stop.value.code not in (0, None)


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
@torch.no_grad()
def test_on_a_gpu_as_on_a_processor(small: Path) -> None:
    model = built(Config.fromfile(small))
    image = dict(inputs=[torch.randint(0, 256, (3, 64, 96), dtype=torch.uint8)])
    wanted = model.test_step(image)[0].seg_logits.data.softmax(0)
    found = model.cuda().test_step(image)[0].seg_logits.data.softmax(0)
    torch.testing.assert_close(found.cpu(), wanted, atol=2 / 255, rtol=0)
