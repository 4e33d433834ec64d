"""TruFor through its converter and its configs, against a statement of its own (tests/references/peer_trufor.py)."""

import itertools
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmengine.structures import PixelData
from mmseg.apis import inference_model, init_model
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from peer_trufor import ENTRIES, PARAMETERS, Answer, TruForReference, released_shapes
from PIL import Image
from released_rule import filled, stored_shapes
from torch import Tensor, nn

from focal_mmseg.apis import FOCALInferencer
from focal_mmseg.datasets import ForgeryDataset
from focal_mmseg.datasets.synthesis import load_packaged
from focal_mmseg.engine.checkpoint import load_weights
from focal_mmseg.engine.conversion import Release, convert
from focal_mmseg.models import FOCALTTAModel, NoiseprintPlusPlus, TruFor
from focal_mmseg.models.backbones import noiseprint_plus_plus

GAIN = 1.5
SIZES = ((61, 77), (90, 150), (33, 200))
SIDE = 128
ORIENTATION = 0x0112
SMALL_BACKBONE = dict(embed_dims=4, num_layers=[1, 1, 1, 1], num_heads=[1, 2, 3, 4])
SMALL_HEAD = dict(in_channels=[4, 8, 12, 16], channels=8)


def read(root: Path, name: str) -> Config:
    return Config.fromfile(root / 'configs' / 'peers' / f'{name}.py')


@pytest.fixture(scope='module')
def release(load_tool: Callable) -> Release:
    """What the converter knows of the release."""
    return load_tool('model_converters/trufor2mmseg.py').TRUFOR


def photograph(height: int, width: int) -> np.ndarray:
    """uint8 RGB."""
    return cv2.resize(load_packaged('chelsea'), (width, height))


def judged(model: TruFor, *images: np.ndarray, **meta: object) -> list[SegDataSample]:
    """Predictions of RGB images of any sizes in one batch."""
    inputs = [torch.from_numpy(np.ascontiguousarray(image[..., ::-1].transpose(2, 0, 1))) for image in images]
    metas = [dict(ori_shape=image.shape[:2], img_shape=image.shape[:2], **meta) for image in images]
    with torch.no_grad():
        return model.test_step(dict(inputs=inputs, data_samples=[SegDataSample(metainfo=meta) for meta in metas]))


def assert_near(found: Tensor, wanted: Tensor) -> None:
    """Within 1e-4 of the spread."""
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-4 * float(wanted.std()))


def assert_same_verdict(sample: SegDataSample, wanted: Answer) -> None:
    score, sure = wanted.logits.softmax(0)[1], wanted.confidence.sigmoid()
    # Saturated maps would be equal whatever the network does.
    assert score.std() > 0.02 and sure.std() > 0.02 and 0.01 < score.mean() < 0.99
    torch.testing.assert_close(sample.seg_logits.data.softmax(0)[1], score, rtol=0, atol=1e-5)
    torch.testing.assert_close(sample.confidence.data[0], sure, rtol=0, atol=1e-5)
    assert sample.image_score == pytest.approx(1 / (1 + math.exp(-wanted.image_logit)), abs=1e-5)
    assert torch.equal(sample.pred_sem_seg.data[0] == 1, sample.seg_logits.data[1] > sample.seg_logits.data[0])


# --- the network as released


@pytest.fixture(scope='module')
def released() -> dict[str, Tensor]:
    """A released-style state dict by the rule."""
    return filled(released_shapes(), GAIN)


@pytest.fixture(scope='module')
def focal(
    root: Path, release: Release, released: Mapping[str, Tensor], tmp_path_factory: pytest.TempPathFactory
) -> FOCALInferencer:
    """Those weights, converted, in the config's model and pipeline."""
    init_default_scope('mmseg')
    path = tmp_path_factory.mktemp('trufor') / 'trufor.pth'
    torch.save(dict(state_dict=convert(released, release).state), path)
    made = FOCALInferencer(root / 'configs' / 'peers' / 'trufor.py', path, device='cpu')
    path.unlink()
    return made


@pytest.fixture(scope='module')
def model(focal: FOCALInferencer) -> TruFor:
    """The model alone."""
    return focal.model


@pytest.fixture(scope='module')
def answers(released: Mapping[str, Tensor]) -> dict[tuple[int, int], Answer]:
    """What the statement says of images of some sizes."""
    reference = TruForReference(released)
    return {size: reference(torch.from_numpy(photograph(*size))) for size in SIZES}


def test_the_statement_has_the_released_names_and_shapes() -> None:
    shapes = released_shapes()
    assert len(shapes) == ENTRIES
    statistics = ('running_mean', 'running_var', 'num_batches_tracked')
    assert sum(math.prod(shape) for name, shape in shapes.items() if not name.endswith(statistics)) == PARAMETERS
    assert shapes == stored_shapes('trufor')


def test_every_released_tensor_has_its_place(release: Release) -> None:
    state = {name: torch.empty(shape, device='meta') for name, shape in released_shapes().items()}
    found = convert(state, release)
    assert not found.dropped
    # Queries, keys and values are one tensor here, of each of the 2 x 16 blocks a weight and a bias.
    assert len(found.state) == ENTRIES - 2 * 16 * 2
    assert sum(each.numel() for each in found.state.values()) == sum(each.numel() for each in state.values())


def test_each_part_is_the_stated_one(model: TruFor, answers: Mapping[tuple[int, int], Answer]) -> None:
    for size, wanted in answers.items():
        x = torch.from_numpy(photograph(*size)).permute(2, 0, 1)[None] / 256
        with torch.no_grad():
            assert_near(model.backbone.noiseprint(x)[0, 0], wanted.noiseprint)
            for found, feature in zip(model.backbone(x), wanted.features, strict=True):
                assert_near(found[0], feature)
            logits = model.encode_decode(x, [{}])[0]
        assert_near(logits[:2], wanted.logits)
        assert_near(logits[2], wanted.confidence)


def test_a_batch_of_images_of_several_sizes_is_judged_as_stated(
    model: TruFor, answers: Mapping[tuple[int, int], Answer]
) -> None:
    for sample, size in zip(judged(model, *(photograph(*size) for size in SIZES)), SIZES, strict=True):
        assert sample.seg_logits.shape == sample.confidence.shape == size
        assert_same_verdict(sample, answers[size])


def test_the_eps_of_the_later_release_is_an_option(
    model: TruFor, released: Mapping[str, Tensor], answers: Mapping[tuple[int, int], Answer]
) -> None:
    size = SIZES[0]
    later = TruForReference(released, confidence_eps=1e-3)(torch.from_numpy(photograph(*size)))
    assert (later.confidence - answers[size].confidence).abs().max() > 1e-5
    assert torch.equal(later.logits, answers[size].logits)
    norm = model.confidence_head.norm
    norm.eps = 1e-3
    try:
        assert_same_verdict(judged(model, photograph(*size))[0], later)
    finally:
        norm.eps = 1e-5


@pytest.mark.parametrize('form', ['jpeg on its side', 'png with alpha'])
def test_from_the_files_bytes_to_the_verdict(
    focal: FOCALInferencer, released: Mapping[str, Tensor], tmp_path: Path, form: str
) -> None:
    """The pipeline of the config: channels in order, EXIF's orientation left alone, transparency dropped."""
    path = tmp_path / ('image.jpg' if 'jpeg' in form else 'image.png')
    image = Image.fromarray(photograph(50, 70))
    if 'jpeg' in form:
        exif = image.getexif()
        exif[ORIENTATION] = 6
        image.save(path, quality=80, exif=exif)
    else:
        image.putalpha(Image.fromarray(np.tile(np.arange(70, dtype=np.uint8), (50, 1))))
        image.save(path)
    wanted = TruForReference(released)(torch.from_numpy(np.array(Image.open(path).convert('RGB'))))
    prediction = focal(path)
    score = wanted.logits.softmax(0)[1].numpy()
    np.testing.assert_allclose(prediction.score, score, rtol=0, atol=1e-4)
    np.testing.assert_allclose(prediction.maps['confidence'], wanted.confidence.sigmoid().numpy(), rtol=0, atol=1e-4)
    assert prediction.summary['image_score'] == pytest.approx(1 / (1 + math.exp(-wanted.image_logit)), abs=1e-5)
    assert ((prediction.mask == 255) == (score > 0.5))[abs(score - 0.5) > 1e-4].all()


# --- the converter


def released_file(path: Path, **changed: Tensor | None) -> Path:
    """What the training code writes, its tensors all zero and without bytes of their own."""
    state = {name: torch.zeros(()).expand(shape) for name, shape in released_shapes().items()} | changed
    state = {name: value for name, value in state.items() if value is not None}
    optimizer = dict(state={0: dict(momentum_buffer=torch.zeros(3))}, param_groups=[dict(lr=0.005, params=[0])])
    torch.save(dict(epoch=99, state_dict=state, optimizer=optimizer, best_value=np.float64(0.7)), path)
    return path


def convert_file(root: Path, run_tool: Callable, *paths: Path) -> None:
    run_tool(root / 'tools' / 'model_converters' / 'trufor2mmseg.py', *paths)


def test_a_file_of_the_training_code_is_converted_under_its_terms(
    root: Path, run_tool: Callable, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    convert_file(root, run_tool, released_file(tmp_path / 'trufor.pth.tar'), tmp_path / 'trufor.pth')
    with torch.device('meta'):
        expected = MODELS.build(read(root, 'trufor').model).state_dict()
    found = load_weights(tmp_path / 'trufor.pth')
    assert {name: value.shape for name, value in found.items()} == {
        name: value.shape for name, value in expected.items()
    }
    told = capsys.readouterr().out
    assert 'NON-PROFIT' in told
    assert f'python tools/test.py configs/peers/trufor.py {tmp_path / "trufor.pth"}' in told


@pytest.mark.parametrize(
    ('changed', 'said'),
    [
        ({'detection.3.bias': None}, 'missing: detector.layers.3.bias'),
        ({'backbone.extra_block2.1.attn.kv.bias': None}, 'unexpected: backbone.extra_block2.1.attn.q.bias'),
        ({'backbone.block5.0.norm1.bias': torch.zeros(3)}, 'unexpected: backbone.block5.0.norm1.bias'),
        ({'module.dncnn.0.bias': torch.zeros(64)}, 'unexpected: module.dncnn.0.bias'),
        ({'decode_head.linear_c2.proj.weight': torch.zeros(512, 64)}, r'decode_head.linear_c2.proj.weight: \(512, 64'),
    ],
)
def test_another_file_is_refused(
    root: Path, run_tool: Callable, tmp_path: Path, changed: dict[str, Tensor | None], said: str
) -> None:
    with pytest.raises(SystemExit, match=f'(?s){said}'):
        convert_file(root, run_tool, released_file(tmp_path / 'trufor.pth.tar', **changed), tmp_path / 'trufor.pth')
    assert not (tmp_path / 'trufor.pth').exists()


def test_noiseprints_file_is_told_to_need_no_conversion(root: Path, run_tool: Callable, tmp_path: Path) -> None:
    noiseprint_file(tmp_path / 'noiseprint++.th')
    with pytest.raises(SystemExit, match=r'(?s)which a training reads as it is.*checkpoint_path'):
        convert_file(root, run_tool, tmp_path / 'noiseprint++.th', tmp_path / 'out.pth')


# --- the configs, small


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A noiseprint's network that takes no time."""
    monkeypatch.setattr(noiseprint_plus_plus, 'WIDTH', 4)


def noiseprint_file(path: Path) -> Path:
    """A file of the form of the released one, with random weights."""
    torch.manual_seed(0)
    torch.save(dict(network=NoiseprintPlusPlus().layers.state_dict(), global_step=1), path)
    return path


def shrink(cfg: Config, head: Mapping[str, object] = SMALL_HEAD) -> Config:
    """Make a config's networks small, but for the noiseprint's."""
    cfg.model.backbone.update(SMALL_BACKBONE, init_cfg=None)
    for name in ('decode_head', 'confidence_head'):
        if cfg.model.get(name):
            cfg.model[name].update(head)
    return cfg


@pytest.fixture
def small(root: Path, narrow: None) -> Callable[..., TruFor]:
    """Builds a config's model with small networks."""

    def build(name: str = 'trufor', **options: object) -> TruFor:
        cfg = shrink(read(root, name))
        cfg.merge_from_dict(options)
        torch.manual_seed(0)
        made = MODELS.build(cfg.model)
        made.eval()
        return made

    return build


@pytest.mark.parametrize(
    ('name', 'parameters'),
    [
        ('trufor', PARAMETERS),
        ('trufor_retrained', 67_119_179),
        ('trufor_retrained_detector', PARAMETERS),
        # The extractor, and a 1x1 convolution to 256 channels of each of its maps.
        ('focal_trufor', 65_541_705 + 256 * (64 + 128 + 320 + 512) + 4 * 256),
    ],
)
def test_the_configs_build_without_memory_for_weights(root: Path, name: str, parameters: int) -> None:
    with torch.device('meta'):
        made = MODELS.build(read(root, name).model)
    assert all(each.is_meta for each in made.parameters())
    assert sum(each.numel() for each in made.parameters()) == parameters


def test_the_setting_is_the_released_one(root: Path) -> None:
    cfg = read(root, 'trufor_retrained')
    assert cfg.optim_wrapper.optimizer == dict(type='SGD', lr=0.005, momentum=0.9, weight_decay=5e-4)
    assert (cfg.train_dataloader.batch_size, cfg.train_dataloader.sampler.type) == (18, 'BalancedSampler')
    assert cfg.train_cfg.max_iters == 100 * 10 * 1868 // 18 + 23
    assert cfg.model.data_preprocessor.pad_val * 256 == 127.5
    assert cfg.model.backbone.init_cfg.checkpoint.startswith('https://')
    lists = Config.fromfile(root / 'configs' / '_base_' / 'datasets' / 'trufor_lists.py').train_dataloader.dataset
    forged_only = [Path(each.data_root).name for each in lists.datasets if each.forged_only]
    assert forged_only == ['imd2020', 'tampcoco-sp', 'tampcoco-cm', 'tampcoco-bcm', 'tampcoco-bcmc']
    assert len(lists.datasets) == 8


@pytest.mark.parametrize('size', [(1, 1), (7, 300), (28, 29), (45, 37)])
def test_tiny_and_odd_images_are_continued_not_refused(small: Callable, size: tuple[int, int]) -> None:
    made = small()
    image = photograph(*size)
    (sample,) = judged(made, image)
    assert sample.seg_logits.shape == sample.pred_sem_seg.shape == sample.confidence.shape == size
    assert 0 <= sample.image_score <= 1 and sample.confidence.data.isfinite().all()
    larger = cv2.copyMakeBorder(image, 0, max(0, 29 - size[0]), 0, max(0, 29 - size[1]), cv2.BORDER_REPLICATE)
    (continued,) = judged(made, larger)
    torch.testing.assert_close(sample.seg_logits.data, continued.seg_logits.data[:, : size[0], : size[1]])


def test_the_detector_does_not_see_padding(small: Callable) -> None:
    made = small()
    maps = torch.randn(1, 3, 20, 30)
    alone = SegDataSample(metainfo=dict(ori_shape=(15, 26)))
    padded = SegDataSample(metainfo=dict(ori_shape=(15, 26), img_padding_size=(1, 3, 2, 3)))
    with torch.no_grad():
        (wanted,) = made.postprocess_result(maps[:, :, 2:-3, 1:-3], [alone])
        (found,) = made.postprocess_result(maps, [padded])
    assert found.image_score == pytest.approx(wanted.image_score)
    torch.testing.assert_close(found.confidence.data, wanted.confidence.data)


def test_views_are_turned_back_and_averaged(small: Callable) -> None:
    made = small()
    maps = torch.randn(1, 3, 12, 16)
    views = [SegDataSample(metainfo=dict(ori_shape=(12, 16), **flip)) for flip in ({}, dict(flip=True))]
    views[1].set_metainfo(dict(flip_direction='horizontal'))
    with torch.no_grad():
        made.postprocess_result(maps, views[:1])
        made.postprocess_result(maps.flip(3) + torch.tensor([0.0, 0.0, 1.0])[:, None, None], views[1:])
    confidence = (maps[0, 2].sigmoid() + (maps[0, 2] + 1).sigmoid()) / 2
    scores = [view.image_score for view in views]
    (merged,) = FOCALTTAModel.merge_preds(None, [views])
    torch.testing.assert_close(merged.confidence.data[0], confidence)
    assert merged.image_score == pytest.approx(sum(scores) / 2)


def test_without_data_samples_or_detector_too(small: Callable) -> None:
    made = small(**{'model.detector': None})
    with torch.no_grad():
        found = made.predict([torch.rand(1, 3, 31, 40), torch.rand(1, 3, 8, 8)])
        assert made(torch.rand(2, 3, 32, 64), mode='tensor').shape == (2, 3, 8, 16)
    assert [sample.confidence.shape for sample in found] == [(31, 40), (8, 8)]
    assert 'image_score' not in found[0]


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        ({'model.test_cfg': dict(mode='slide', crop_size=(64, 64), stride=(32, 32))}, 'judges an image as a whole'),
        ({'model.confidence_head': None}, 'give a confidence_head too'),
        ({'model.frozen': ['neck']}, 'frozen must be some of'),
        (
            {'model.confidence_head': None, 'model.detector': None, 'model.frozen': ['backbone', 'decode_head']},
            'leaves nothing to train',
        ),
    ],
)
def test_what_cannot_be_is_refused(small: Callable, options: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        small(**options)


@pytest.fixture
def training(root: Path, small_config: Callable, tmp_path: Path, narrow: None) -> Callable[..., Runner]:
    """A runner of one step of a config, with small networks and crops."""

    def make(name: str, **options: object) -> Runner:
        options = {'default_hooks.checkpoint.interval': 1, **options}
        if name != 'trufor_retrained_detector':
            path = noiseprint_file(tmp_path / 'noiseprint++.th')
            options['model.backbone.noiseprint.checkpoint_path'] = str(path)
        cfg = shrink(small_config(root / 'configs' / 'peers' / f'{name}.py', **options))
        if name == 'focal_trufor':
            cfg.model.decode_head.in_channels = SMALL_HEAD['in_channels']
        for step in cfg.train_dataloader.dataset.pipeline:
            if step.type == 'RandomCrop':
                step.crop_size = (SIDE, SIDE)
        cfg.test_dataloader.dataset.indices = [0]
        cfg.work_dir = str(tmp_path / name)
        return Runner.from_cfg(cfg)

    return make


def copied(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def moved(before: Mapping[str, Tensor], model: nn.Module) -> set[str]:
    """The parts of which something has changed."""
    after = model.state_dict()
    changed = [name for name, value in before.items() if not torch.equal(value, after[name])]
    return {'.'.join(name.split('.')[: 2 if name.startswith('backbone') else 1]) for name in changed}


def test_the_two_trainings_follow_each_other(training: Callable, tmp_path: Path) -> None:
    """Each changes its own parts alone, statistics of norms included."""
    first = training('trufor_retrained')
    first.train()
    found = copied(first.model)
    weights = torch.load(tmp_path / 'noiseprint++.th', weights_only=True)['network']
    assert all(torch.equal(found[f'backbone.noiseprint.layers.{name}'], value) for name, value in weights.items())
    assert found['decode_head.norm.num_batches_tracked'] == 1
    scalars = first.message_hub.log_scalars
    assert {'train/decode.loss_ce', 'train/decode.loss_dice'} <= set(scalars)
    assert all(np.isfinite(scalars[name].current()) for name in scalars if 'loss' in name)
    first.model.train()
    assert not any(module.training for module in first.model.backbone.noiseprint.modules())
    figures = first.test()
    assert 0 <= figures['forgery/iou'] <= 1

    checkpoint = tmp_path / 'trufor_retrained' / 'iter_1.pth'
    second = training('trufor_retrained_detector', load_from=str(checkpoint))
    start = copied(second.model)
    second.train()
    assert moved(found, _Parts(second.model, found)) == set()
    assert moved(start, second.model) >= {'confidence_head', 'detector'}
    scalars = second.message_hub.log_scalars
    assert {'train/confidence.loss_tcp', 'train/detector.loss_image'} <= set(scalars)
    assert not any('decode.' in name for name in scalars)
    second.model.train()
    frozen = (second.model.backbone, second.model.decode_head)
    assert not any(module.training for part in frozen for module in part.modules())
    assert second.model.confidence_head.training and second.model.detector.training
    assert 0 <= second.test()['forgery/iou'] <= 1


class _Parts(nn.Module):
    """A model's state dict without what another one does not have."""

    def __init__(self, model: nn.Module, names: Mapping[str, object]) -> None:
        super().__init__()
        self._state = {name: value for name, value in model.state_dict().items() if name in names}

    def state_dict(self) -> dict[str, Tensor]:
        return self._state


def test_a_training_on_random_frozen_parts_is_refused(training: Callable, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='backbone and decode_head, whose weights are random'):
        training('trufor_retrained_detector').train()


def test_a_part_of_a_checkpoint_is_not_enough_for_frozen_parts(small: Callable) -> None:
    made = small('trufor_retrained_detector')
    state = made.state_dict()
    lost = 'decode_head.conv_seg.bias'
    made.load_state_dict({name: value for name, value in state.items() if name != lost}, strict=False)
    batch = dict(
        inputs=torch.rand(1, 3, 32, 32),
        data_samples=[SegDataSample()],
    )
    with pytest.raises(ValueError, match=r'model\.frozen has decode_head, whose'):
        made.loss(**batch)


def test_norms_and_biases_do_not_decay(training: Callable) -> None:
    runner = training('trufor_retrained')
    wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    named = {id(parameter): name for name, parameter in runner.model.named_parameters()}
    decaying, others = set(), set()
    for group in wrapper.param_groups:
        names = {(named[id(each)], each.ndim) for each in group['params'] if each.requires_grad}
        (decaying if group['weight_decay'] else others).update(names)
    assert {dimensions > 1 for _, dimensions in decaying} == {True}
    assert {dimensions > 1 for _, dimensions in others} == {False}
    assert any(name.endswith('in_proj_bias') for name, _ in others)


@pytest.mark.parametrize('name', ['trufor_retrained', 'trufor_retrained_detector', 'focal_trufor'])
def test_every_parameter_learns(root: Path, training: Callable, name: str) -> None:
    """A parameter without a gradient stops a distributed training in its second step."""
    made = training(name).model
    made.backbone.noiseprint.has_weights = True
    if name == 'trufor_retrained_detector':
        made.load_state_dict(made.state_dict())
    made.train()
    for module in made.modules():
        if 'DropPath' in type(module).__name__:
            module.eval()
    samples = []
    for seed in range(2):
        mask = torch.zeros(1, 64, 64, dtype=torch.int64)
        mask[:, :30, : 30 * seed] = 1
        samples.append(SegDataSample())
        samples[-1].set_data(dict(gt_sem_seg=PixelData(data=mask)))
    losses = made.loss(torch.rand(2, 3, 64, 64), samples)
    sum(value for key, value in losses.items() if 'loss' in key).backward()
    idle = [key for key, each in made.named_parameters() if each.requires_grad and each.grad is None]
    assert idle == []


def test_the_extractor_serves_focals_head(training: Callable) -> None:
    runner = training('focal_trufor', **{'default_hooks.checkpoint': None})
    before = copied(runner.model)
    runner.train()
    assert moved(before, runner.model) >= {'backbone.encoder', 'decode_head'}
    assert np.isfinite(runner.message_hub.get_scalar('train/loss').current())
    assert 0 <= runner.test()['forgery/iou'] <= 1


def test_focals_extractor_serves_trufors_heads(root: Path) -> None:
    """As docs/guide/trufor.md shows it."""
    cfg = read(root, 'trufor')
    focal = Config.fromfile(root / 'configs' / 'demo' / 'focal_hrnet-compact.py').model
    cfg.model.backbone, cfg.model.data_preprocessor = focal.backbone, focal.data_preprocessor
    cfg.model.data_preprocessor.type = 'NativeSizePreProcessor'
    for head in (cfg.model.decode_head, cfg.model.confidence_head):
        head.update(in_channels=[24, 32, 48, 64], channels=16)
    made = MODELS.build(cfg.model)
    made.eval()
    (sample,) = judged(made, photograph(50, 70))
    assert sample.confidence.shape == (50, 70) and 0 <= sample.image_score <= 1


# --- the commands


@pytest.fixture
def small_files(root: Path, tmp_path: Path, narrow: None) -> tuple[Path, Path]:
    """A config file of small networks, and weights for it."""
    cfg = shrink(read(root, 'trufor'))
    cfg.dump(tmp_path / 'small.py')
    torch.manual_seed(0)
    meta = dict(dataset_meta=ForgeryDataset.METAINFO)
    torch.save(dict(meta=meta, state_dict=MODELS.build(cfg.model).state_dict()), tmp_path / 'small.pth')
    return tmp_path / 'small.py', tmp_path / 'small.pth'


def predict(root: Path, run_tool: Callable, image_path: Path, files: tuple[Path, Path], out: Path, *more: str) -> Path:
    arguments = ('--config', files[0], '--checkpoint', files[1], '--out', out, '--device', 'cpu')
    with pytest.raises(SystemExit) as stop:
        run_tool(root / 'tools' / 'predict.py', image_path, *arguments, *more)
    assert stop.value.code == 0
    return out / image_path.name


def test_predictions_have_the_confidence_beside_the_mask(
    root: Path, run_tool: Callable, small_files: tuple[Path, Path], classifier: tuple[Path, Path], tmp_path: Path
) -> None:
    image_path = tmp_path / 'photo.jpg'
    image = Image.fromarray(photograph(40, 64))
    exif = image.getexif()
    exif[ORIENTATION] = 8
    image.save(image_path, exif=exif)
    folder = predict(root, run_tool, image_path, small_files, tmp_path / 'out')
    maps = {name: cv2.imread(str(folder / f'{name}.png'), cv2.IMREAD_UNCHANGED) for name in ('confidence', 'score')}
    wanted = FOCALInferencer(*small_files, device='cpu')(image_path)
    np.testing.assert_array_equal(maps['confidence'], np.round(wanted.maps['confidence'] * 65535))
    assert maps['confidence'].dtype == np.uint16
    # As the file has its pixels, which EXIF would turn.
    assert cv2.imread(str(folder / 'overlay.png')).shape == (40, 64, 3)
    assert json.loads((folder / 'summary.json').read_text())['image_score'] == wanted.summary['image_score']
    image.save(image_path)
    predict(root, run_tool, image_path, classifier, tmp_path / 'out', '--again')
    assert not (folder / 'confidence.png').exists()


def test_bad_input_is_refused_and_mmsegs_own_tools_take_images_of_several_sizes(
    small_files: tuple[Path, Path], tmp_path: Path
) -> None:
    focal = FOCALInferencer(*small_files, device='cpu')
    for image in (np.zeros((40, 50), np.uint8), np.zeros((40, 50, 3), np.float32), np.zeros((0, 50, 3), np.uint8)):
        with pytest.raises(ValueError, match='expected a uint8 array'):
            focal(image)
    (tmp_path / 'broken.jpg').write_bytes(b'no image')
    with pytest.raises(ValueError, match=r'broken\.jpg'):
        focal(tmp_path / 'broken.jpg')
    images = [photograph(*size)[..., ::-1].copy() for size in ((40, 64), (31, 30))]
    found = inference_model(init_model(str(small_files[0]), str(small_files[1]), 'cpu'), images)
    for image, sample in zip(images, found, strict=True):
        alone = focal(image)
        assert sample.seg_logits.shape == image.shape[:2]
        np.testing.assert_allclose(sample.confidence.data[0].numpy(), alone.maps['confidence'], atol=1e-5)


@pytest.mark.parametrize('views', [(), ('--tta',)])
def test_the_test_tool_ranks_images_by_the_detector(
    root: Path, run_tool: Callable, small_files: tuple[Path, Path], forged_set: Path, tmp_path: Path, views: tuple
) -> None:
    test = forged_set / 'test'
    options = [
        f'test_dataloader.dataset.data_root={test}',
        'test_dataloader.dataset.data_prefix.img_path=images',
        'test_dataloader.dataset.data_prefix.seg_map_path=masks',
        'test_dataloader.num_workers=0',
        'test_dataloader.persistent_workers=False',
        'test_dataloader.batch_size=3',
    ]
    out = tmp_path / 'out'
    arguments = ('--work-dir', tmp_path / 'log', '--out', out, *views, '--cfg-options', *options)
    run_tool(root / 'tools' / 'test.py', *small_files, *arguments)
    header, *rows = (line.split(',') for line in (out / 'images.csv').read_text().splitlines())
    scores = {row[header.index('image')]: float(row[header.index('image_score')]) for row in rows}
    assert len(scores) == 4
    focal = FOCALInferencer(*small_files, device='cpu')
    for path in itertools.islice(sorted((test / 'images').rglob('*.*')), 0 if views else 4):
        name = path.relative_to(test / 'images').with_suffix('').as_posix()
        assert scores[name] == pytest.approx(focal(path).summary['image_score'], abs=1e-4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason='no GPU')
def test_a_gpu_gives_the_same(model: TruFor, answers: Mapping[tuple[int, int], Answer]) -> None:
    model.to('cuda')
    try:
        (sample,) = judged(model, photograph(*SIZES[0]))
        score = answers[SIZES[0]].logits.softmax(0)[1]
        torch.testing.assert_close(sample.seg_logits.data.softmax(0)[1].cpu(), score, rtol=0, atol=1e-3)
    finally:
        model.to('cpu')
