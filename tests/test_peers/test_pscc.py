"""PSCC-Net through its converter and its config: the stored answers of the released one, and a statement of its own."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmseg.registry import MODELS
from peer_pscc import pscc, pscc_heads
from released_rule import STORED, filled, stored_answers, stored_shapes
from torch import Tensor

from focal_mmseg.apis import FOCALInferencer
from focal_mmseg.datasets.degradations import degrade_tests
from focal_mmseg.engine.checkpoint import load_weights
from focal_mmseg.models import FOCALHead
from focal_mmseg.utils import read_config

GAIN = 1.7
FILES = {'HRNet': 444, 'NLCDetection': 64, 'DetectionHead': 128}
PARAMETERS = {'HRNet': 2_028_572, 'NLCDetection': 719_824, 'DetectionHead': 919_546}
DETECTOR = ('incre_modules', 'downsamp_modules', 'final_layer', 'classifier')


def file_of(name: str) -> str:
    """Which of the three files has a released name."""
    part = name.split('.')[1]
    return 'NLCDetection' if part.startswith('getmask') else 'DetectionHead' if part in DETECTOR else 'HRNet'


def released_names(root: Path) -> dict[str, tuple[int, ...]]:
    """Shapes by released names, from the config's model."""
    with torch.device('meta'):
        model = MODELS.build(Config.fromfile(root / 'configs' / 'peers' / 'pscc.py').model)
    parts = ('decode_head.image_head.', 'decode_head.', 'backbone.')
    found = {}
    for name, value in model.state_dict().items():
        own = next(name.removeprefix(part) for part in parts if name.startswith(part))
        found[f'module.{own}'] = tuple(value.shape)
    return found


@pytest.fixture
def converted(root: Path, run_tool: Callable, tmp_path: Path) -> Callable[..., Path]:
    """Writes released files and converts them."""

    def run(*states: dict[str, Tensor]) -> Path:
        paths = [tmp_path / f'released_{number}.pth' for number in range(len(states))]
        for path, state in zip(paths, states, strict=True):
            torch.save(state, path)
        run_tool(root / 'tools' / 'model_converters' / 'pscc2mmseg.py', *paths, tmp_path / 'pscc.pth')
        return tmp_path / 'pscc.pth'

    return run


def in_files(state: dict[str, Tensor]) -> list[dict[str, Tensor]]:
    """The three files, in no special order."""
    return [{name: value for name, value in state.items() if file_of(name) == file} for file in reversed(FILES)]


def inferencer(root: Path, checkpoint: Path, **options: object) -> FOCALInferencer:
    return FOCALInferencer(root / 'configs' / 'peers' / 'pscc.py', checkpoint, device='cpu', cfg_options=options)


def small(root: Path, checkpoint: Path, **options: object) -> FOCALInferencer:
    """With squares that take no time."""
    return inferencer(root, checkpoint, **{'model.decode_head.side': 16, **options})


def photograph(height: int, width: int) -> np.ndarray:
    """uint8 RGB, smooth and noisy."""
    rng = np.random.default_rng(height)
    coarse = cv2.resize(rng.random((5, 4, 3)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return (255 * (coarse + 0.2 * rng.random((height, width, 3))).clip(0, 1)).astype(np.uint8)


# --- the released network's answers


def test_the_stored_answer_of_the_released_network(root: Path, converted: Callable, tmp_path: Path) -> None:
    stored = stored_answers('pscc')
    state = filled(stored_shapes('pscc'), float(stored['gain']))
    network = inferencer(root, converted(*in_files(state)))
    cv2.imwrite(str(tmp_path / 'image.png'), stored['picture_rgb'][..., ::-1])
    prediction = network(tmp_path / 'image.png')
    assert np.abs(prediction.score - stored['forged']).max() <= 1e-4
    np.testing.assert_array_equal(prediction.mask == 255, prediction.score > 0.5)
    wanted = torch.from_numpy(stored['image_logits']).softmax(0)[1].item()
    assert prediction.summary['image_score'] == pytest.approx(wanted, abs=1e-5)
    assert stored['forged'].std() > 0.05

    # Rounding grows in random weights; in float64 the scales agree far closer.
    model = network.model.double()
    image = torch.from_numpy(stored['picture_rgb'].astype(np.float64) / 255).permute(2, 0, 1)[None]
    with torch.no_grad():
        maps = model.backbone(image)
        found = [each[0, 0].sigmoid().numpy() for each in model.decode_head.findings(maps).masks]
    for scale, step in ((1, 4), (2, 2), (3, 1), (4, 1)):
        assert np.abs(found[scale - 1][::step, ::step] - stored[f'mask{scale}']).max() <= 5e-5
    np.testing.assert_allclose([each.mean() for each in maps], stored['branch_means'], rtol=1e-4)
    np.testing.assert_allclose([each.std(unbiased=False) for each in maps], stored['branch_stds'], rtol=1e-4)


def test_the_released_heads_with_their_real_weights(root: Path, converted: Callable) -> None:
    paths = [STORED / f'pscc_{name}.pth' for name in ('NLCDetection', 'DetectionHead')]
    if not all(path.is_file() for path in paths):
        pytest.skip(f'the released heads are not beside the repository, at {STORED}')
    heads = [load_weights(path) for path in paths]
    assert [len(each) for each in heads] == [64, 128]
    shapes = {name: shape for name, shape in released_names(root).items() if file_of(name) == 'HRNet'}
    network = inferencer(root, converted(*heads, filled(shapes, GAIN)))
    weights = {name.removeprefix('module.'): value.double() for each in heads for name, value in each.items()}
    head = network.model.decode_head.double()
    generator = torch.Generator().manual_seed(0)
    maps = [
        torch.randn(1, width, 96 >> scale, 80 >> scale, generator=generator, dtype=torch.float64).relu()
        for scale, width in enumerate((18, 36, 72, 144))
    ]
    with torch.no_grad():
        found = head.findings(maps)
        masks, image = pscc_heads(maps, weights)
    for ours, theirs in zip(found.masks, masks, strict=True):
        torch.testing.assert_close(ours.sigmoid(), theirs, rtol=0, atol=1e-9)
    assert masks[0].std() > 0.01
    torch.testing.assert_close(found.image, image, rtol=1e-9, atol=1e-9)


# --- a statement of its own


def test_converted_weights_give_what_the_papers_network_gives_at_any_size(
    root: Path, converted: Callable, tmp_path: Path
) -> None:
    state = filled(released_names(root), GAIN)
    # The squares' side changes no weight; 256 is in the stored answer.
    network = inferencer(root, converted(*in_files(state)), **{'model.decode_head.side': 64})
    weights = {name.removeprefix('module.'): value.double() for name, value in state.items()}
    for size in ((33, 46), (7, 100), (1, 1)):
        rgb = photograph(*size)
        cv2.imwrite(str(tmp_path / 'image.png'), rgb[..., ::-1])
        prediction = network(tmp_path / 'image.png')
        with torch.no_grad():
            masks, image = pscc(torch.from_numpy(rgb.astype(np.float64) / 255).permute(2, 0, 1)[None], weights, 64)
            wanted = torch.nn.functional.interpolate(masks[0], size, mode='bilinear', align_corners=True)[0, 0]
        assert prediction.score.shape == prediction.mask.shape == size
        assert np.abs(prediction.score - wanted.numpy()).max() <= 1e-3
        assert prediction.summary['image_score'] == pytest.approx(image.softmax(1)[0, 1].item(), abs=1e-4)
        assert size == (1, 1) or wanted.std() > 0.01


def test_every_tensor_of_the_three_files_is_the_models(root: Path) -> None:
    names = released_names(root)
    for file, entries in FILES.items():
        own = {name: shape for name, shape in names.items() if file_of(name) == file}
        assert len(own) == entries
        statistics = ('running_mean', 'running_var', 'num_batches_tracked')
        numbers = [int(np.prod(shape)) for name, shape in own.items() if not name.endswith(statistics)]
        assert sum(numbers) == PARAMETERS[file]
    assert names['module.getmask2.theta.weight'] == (144, 144, 1, 1)
    assert names['module.getmask1.g.weight'] == names['module.getmask3.phi.weight'] == (288, 288, 1, 1)
    assert names['module.final_layer.0.weight'] == (128, 288, 1, 1)
    assert names['module.transition1.1.0.0.weight'] == (36, 256, 3, 3)


# --- the converter


def test_a_missing_file_is_named_and_the_extractor_alone_starts_a_training(
    root: Path, converted: Callable, capsys: pytest.CaptureFixture
) -> None:
    names = released_names(root)
    detector, masks, extractor = in_files({name: torch.zeros(()).expand(shape) for name, shape in names.items()})
    with pytest.raises(SystemExit, match=r'NLCDetection\.pth of the three files missing'):
        converted(detector, extractor)
    with pytest.raises(SystemExit, match=r'HRNet\.pth and DetectionHead\.pth of the three files missing'):
        converted(masks)
    path = converted(extractor)
    assert 'configs/peers/focal_pscc.py' in capsys.readouterr().out
    assert len(load_weights(path)) == 444
    cfg = Config.fromfile(root / 'configs' / 'peers' / 'focal_pscc.py').model.backbone
    cfg.init_cfg = dict(type='Pretrained', checkpoint=str(path), prefix='backbone.')
    backbone = MODELS.build(cfg)
    backbone.init_weights()
    assert not any(value.any() for value in backbone.state_dict().values())


@pytest.mark.parametrize('prefix', ['', 'model.'])
def test_the_imagenet_network_becomes_an_extractor_without_its_classifier(
    root: Path, converted: Callable, capsys: pytest.CaptureFixture, prefix: str
) -> None:
    names = [(name, shape) for name, shape in released_names(root).items() if file_of(name) == 'HRNet']
    state = {name.replace('module.', prefix): torch.zeros(()).expand(shape) for name, shape in names}
    path = converted(
        state | {f'{prefix}classifier.weight': torch.zeros(1), f'{prefix}final_layer.0.bias': torch.zeros(1)}
    )
    assert "dropped: ImageNet's classifier (2 tensors)" in capsys.readouterr().out
    assert len(load_weights(path)) == 444


def test_the_licence_is_told(root: Path, converted: Callable, capsys: pytest.CaptureFixture) -> None:
    names = released_names(root)
    converted(*in_files({name: torch.zeros(()).expand(shape) for name, shape in names.items()}))
    told = capsys.readouterr().out
    assert 'MIT, Copyright (c) 2022 Xiaohong Liu' in told and 'Microsoft' in told
    assert 'python tools/test.py configs/peers/pscc.py' in told


# --- images as they come


@pytest.fixture(scope='module')
def random_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The config's model with random weights."""
    init_default_scope('mmseg')
    torch.manual_seed(0)
    cfg = Config.fromfile(Path(__file__).parents[2] / 'configs' / 'peers' / 'pscc.py')
    path = tmp_path_factory.mktemp('pscc') / 'random.pth'
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict()), path)
    return path


def test_a_large_image_is_judged_smaller_with_a_warning_that_names_it(
    root: Path, random_weights: Path, tmp_path: Path
) -> None:
    network = small(root, random_weights, **{'test_pipeline.1.max_pixels': 900})
    cv2.imwrite(str(tmp_path / 'large.png'), photograph(60, 90))
    with pytest.warns(UserWarning, match=r'large\.png of 90x60 pixels is judged at 36x24'):
        prediction = network(tmp_path / 'large.png')
    assert prediction.mask.shape == (60, 90)


def test_the_orientation_of_a_camera_is_ignored_as_the_released_code_does(
    root: Path, random_weights: Path, tmp_path: Path
) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(photograph(24, 40)).save(tmp_path / 'turned.jpg', exif=exif, quality=95)
    Image.fromarray(photograph(24, 40)).save(tmp_path / 'plain.jpg', quality=95)
    network = small(root, random_weights)
    turned, plain = (network(tmp_path / f'{name}.jpg') for name in ('turned', 'plain'))
    assert turned.score.shape == (24, 40)
    np.testing.assert_array_equal(turned.score, plain.score)


@pytest.mark.parametrize('name', ['grey.png', 'palette.png', 'alpha.png', 'sixteen.png'])
def test_other_kinds_of_images_are_read(root: Path, random_weights: Path, tmp_path: Path, name: str) -> None:
    from PIL import Image

    image = Image.fromarray(photograph(20, 30))
    kinds = {'grey.png': 'L', 'palette.png': 'P', 'alpha.png': 'RGBA'}
    if name in kinds:
        image.convert(kinds[name]).save(tmp_path / name)
    else:
        cv2.imwrite(str(tmp_path / name), photograph(20, 30).astype(np.uint16) * 257)
    assert small(root, random_weights)(tmp_path / name).score.shape == (20, 30)


@pytest.mark.parametrize('degradation', ['none', 'blur:3'])
def test_transparency_is_blended_onto_white_before_anything_degrades_it(
    root: Path, random_weights: Path, tmp_path: Path, degradation: str
) -> None:
    image = np.dstack([photograph(20, 30), np.full((20, 30), 255, np.uint8)])
    image[5:9, 8:20, 3] = 0
    cv2.imwrite(str(tmp_path / 'transparent.png'), image)
    image[image[..., 3] == 0] = 255
    cv2.imwrite(str(tmp_path / 'white.png'), image[..., :3])
    cfg = read_config(root / 'configs' / 'peers' / 'pscc.py')
    degrade_tests(cfg, degradation)
    for pipeline in (cfg.test_pipeline, cfg.tta_pipeline[:1]):
        pipeline = [each for each in pipeline if each.type not in ('LoadForgeryMask', 'PackSegInputs')]
        transparent, white = (
            Compose(pipeline)(dict(img_path=str(tmp_path / f'{name}.png')))['img'] for name in ('transparent', 'white')
        )
        np.testing.assert_array_equal(transparent, white)


def test_a_damaged_image_is_named(root: Path, random_weights: Path, tmp_path: Path) -> None:
    network = small(root, random_weights)
    for name, content in (('text.jpg', b'no image'), ('empty.png', b'')):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=name):
            network(tmp_path / name)


def test_views_are_averaged_at_the_images_own_size(root: Path, random_weights: Path, tmp_path: Path) -> None:
    network = small(root, random_weights)
    cv2.imwrite(str(tmp_path / 'image.png'), photograph(24, 41))
    cv2.imwrite(str(tmp_path / 'mirrored.png'), photograph(24, 41)[:, ::-1])
    one, other = (network(tmp_path / f'{name}.png') for name in ('image', 'mirrored'))
    cfg = Config.fromfile(root / 'configs' / 'peers' / 'pscc.py')
    data = pseudo_collate([Compose(cfg.tta_pipeline)(dict(img_path=str(tmp_path / 'image.png')))])
    with torch.no_grad():
        (found,) = MODELS.build(dict(cfg.tta_model, module=network.model)).test_step(data)
    wanted = (one.score + other.score[:, ::-1]) / 2
    np.testing.assert_allclose(found.seg_logits.data.softmax(0)[1], wanted, atol=1e-5)
    wanted = (one.summary['image_score'] + other.summary['image_score']) / 2
    assert found.image_score == pytest.approx(wanted, abs=1e-5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
def test_an_accelerator_finds_the_same(root: Path, random_weights: Path, tmp_path: Path) -> None:
    network = small(root, random_weights)
    cv2.imwrite(str(tmp_path / 'image.png'), photograph(24, 41))
    wanted = network(tmp_path / 'image.png').score
    network.model.to('cuda')
    np.testing.assert_allclose(network(tmp_path / 'image.png').score, wanted, atol=1e-3)


# --- training and testing


def test_trains_a_step_and_tests_a_batch_of_several_sizes(root: Path, small_config: Callable, tmp_path: Path) -> None:
    cfg = small_config(
        root / 'configs' / 'peers' / 'pscc_retrained.py',
        **{'model.decode_head.side': 32, 'default_hooks.checkpoint': None, 'model.data_preprocessor.size': (64, 64)},
    )
    cfg.train_dataloader.dataset.pipeline[2].scale = (64, 64)
    cfg.train_dataloader.batch_size = 3
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.test_dataloader.batch_size = 4
    images = sorted(Path(cfg.test_dataloader.dataset.data_root).rglob('*.jpg'))
    runner = Runner.from_cfg(cfg)
    before = {name: value.detach().clone() for name, value in runner.model.named_parameters()}
    runner.train()
    learned = [name for name, value in runner.model.named_parameters() if not torch.equal(value, before[name])]
    assert learned == list(before)
    assert np.isfinite(runner.message_hub.get_scalar('train/loss').current())
    figures = runner.test()
    assert 0 <= figures['forgery/iou'] <= 1 and 0 <= figures['forgery/image_auc'] <= 1
    assert len(images) == 4


def test_under_focals_head_it_gives_the_papers_map_and_trains(root: Path, small_config: Callable) -> None:
    path = root / 'configs' / 'peers' / 'focal_pscc.py'
    with torch.device('meta'):
        model = MODELS.build(Config.fromfile(path).model).eval()
        assert model(torch.zeros(1, 3, 256, 256), mode='tensor').shape == (1, 256, 256, 256)
    assert isinstance(model.decode_head, FOCALHead)
    options = {'model.data_preprocessor.size': (32, 32), 'model.decode_head.clusterer.type': 'KMeansClusterer'}
    cfg = small_config(path, **options, **{'default_hooks.checkpoint': None})
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        for step in loader.dataset.pipeline:
            step.update({'scale': (32, 32)} if step.type == 'Resize' else {})
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.test_dataloader.dataset.indices = [0]
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert np.isfinite(runner.message_hub.get_scalar('train/loss').current())
    assert 0 <= runner.test()['forgery/iou'] <= 1


def test_builds_without_memory_and_takes_an_images_own_size(root: Path) -> None:
    with torch.device('meta'):
        model = MODELS.build(Config.fromfile(root / 'configs' / 'peers' / 'pscc.py').model)
        model.eval()
        assert sum(value.numel() for value in model.parameters()) == 3_667_942
        maps = model.backbone(torch.zeros(1, 3, 61, 50))
        assert [tuple(each.shape[1:]) for each in maps] == [(18, 61, 50), (36, 31, 25), (72, 16, 13), (144, 8, 7)]
        assert model(torch.zeros(1, 3, 61, 50), mode='tensor').shape == (1, 2, 256, 256)
