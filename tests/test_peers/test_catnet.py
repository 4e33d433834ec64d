"""CAT-Net through its converter and its config: the stored answer of the released one, and a statement of its own."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmseg.registry import MODELS
from peer_catnet import catnet, read
from PIL import Image
from released_rule import filled, stored_answers, stored_shapes
from torch import Tensor

from focal_mmseg.apis import FOCALInferencer
from focal_mmseg.datasets.degradations import degrade_tests
from focal_mmseg.engine.checkpoint import load_weights
from focal_mmseg.models import CATNetBackbone, FOCALHead

ENTRIES, PARAMETERS = 2926, 114_263_810
HEAD = ('transition4.', 'stage5.', 'last_layer.')
SMALL = {
    'model.backbone.dct_channels': (8, 12, 16),
    'model.backbone.dct_blocks': 1,
    'model.backbone.dct_modules': (2, 1),
    'model.decode_head.in_channels': (6, 20, 28, 40),
    'model.decode_head.widths': (4, 6, 8, 10),
    'model.decode_head.blocks': 2,
}


def small_config_of(root: Path, name: str = 'catnet') -> Config:
    """The config with a network that takes no time."""
    cfg = Config.fromfile(root / 'configs' / 'peers' / f'{name}.py')
    widths = (6, 12, 16, 24)
    for number in (1, 2, 3, 4):
        branches = dict(num_modules=1, num_branches=number, num_blocks=(1,) * number, num_channels=widths[:number])
        cfg.model.backbone.extra[f'stage{number}'].update(branches)
    options = {key: value for key, value in SMALL.items() if not key.endswith('channels') or 'decode_head' not in key}
    options['model.decode_head.in_channels'] = SMALL['model.decode_head.in_channels']
    if cfg.model.decode_head.type == 'FOCALHead':
        options = {key: value for key, value in options.items() if not key.endswith(('widths', 'head.blocks'))}
    cfg.merge_from_dict(options)
    cfg.model.backbone.init_cfg = None
    return cfg


def released_name(name: str) -> str:
    """A name of ours in the release."""
    own = name.removeprefix('decode_head.').removeprefix('backbone.')
    return own.replace('conv_seg.', 'last_layer.3.')


def released_shapes(cfg: Config) -> dict[str, tuple[int, ...]]:
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    return {released_name(name): tuple(value.shape) for name, value in model.state_dict().items()}


def photograph(height: int, width: int) -> Image.Image:
    rng = np.random.default_rng(height)
    coarse = cv2.resize(rng.random((5, 4, 3)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return Image.fromarray((255 * (coarse + 0.2 * rng.random((height, width, 3))).clip(0, 1)).astype(np.uint8))


@pytest.fixture
def converted(root: Path, run_tool: Callable, tmp_path: Path) -> Callable[[object], Path]:
    """Writes a released file and converts it."""

    def run(content: object) -> Path:
        torch.save(content, tmp_path / 'released.pth.tar')
        tool = root / 'tools' / 'model_converters' / 'catnet2mmseg.py'
        run_tool(tool, tmp_path / 'released.pth.tar', tmp_path / 'catnet.pth')
        return tmp_path / 'catnet.pth'

    return run


@pytest.fixture(scope='module')
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[FOCALInferencer, dict[str, Tensor]]:
    """A small network with weights by the rule, and these by their released names."""
    init_default_scope('mmseg')
    folder = tmp_path_factory.mktemp('catnet')
    cfg = small_config_of(Path(__file__).parents[2])
    cfg.dump(folder / 'small.py')
    model = MODELS.build(cfg.model)
    state = filled(released_shapes(cfg), 1.0)
    torch.save(dict(state_dict={name: state[released_name(name)] for name in model.state_dict()}), folder / 'small.pth')
    return FOCALInferencer(folder / 'small.py', folder / 'small.pth', device='cpu'), state


# --- the released network's answer


def test_the_stored_answer_of_the_released_network(root: Path, converted: Callable, tmp_path: Path) -> None:
    stored = stored_answers('cat')
    state = filled(stored_shapes('cat'), float(stored['gain']))
    # As it is released: the optimizer's state beside the weights, and a numpy scalar.
    path = converted(dict(state_dict=state, epoch=196, best_p_mIoU=np.float64(0.8), optimizer=dict(state={})))
    (tmp_path / 'input.jpg').write_bytes(stored['jpeg'].tobytes())
    network = FOCALInferencer(root / 'configs' / 'peers' / 'catnet.py', path, device='cpu')
    prediction = network(tmp_path / 'input.jpg')
    assert np.abs(prediction.score - stored['forged']).max() <= 1e-4
    assert stored['forged'].std() > 0.02
    item = network._load(tmp_path / 'input.jpg')
    assert tuple(item['inputs'].shape[1:]) == tuple(stored['padded'])
    magnitude = item['inputs'][3].abs().clamp(max=20).long()
    np.testing.assert_array_equal(np.bincount(magnitude.flatten(), minlength=21), stored['volume_sum'])
    np.testing.assert_array_equal(item['inputs'][4, :8, :8], stored['qtable'])
    with torch.no_grad():
        logits = network.model(item['inputs'][None], mode='tensor')[0]
    np.testing.assert_allclose(logits, stored['logits'], atol=1e-4)


# --- a statement of its own


SIZES = [(64, 96), (61, 50), (98, 131), (7, 40), (1, 1), (13, 8)]


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize(
    ('name', 'options'),
    [
        ('a.jpg', dict(quality=75, subsampling=2)),
        ('a.jpeg', dict(quality=40, subsampling=0, progressive=True)),
        ('a.png', {}),
    ],
)
def test_gives_what_the_papers_network_gives(
    small: tuple, tmp_path: Path, size: tuple[int, int], name: str, options: dict
) -> None:
    network, state = small
    photograph(*size).save(tmp_path / name, **options)
    rgb, plane, table = read(tmp_path / name, tmp_path)
    with torch.no_grad():
        _, wanted = catnet(rgb, plane, table, {key: value.double() for key, value in state.items()})
    prediction = network(tmp_path / name)
    assert prediction.score.shape == prediction.mask.shape == size
    assert np.abs(prediction.score - wanted.numpy()).max() <= 1e-4
    np.testing.assert_array_equal(prediction.mask == 255, prediction.score > 0.5)
    assert (table == 1).all() == (name == 'a.png')


def test_the_table_and_each_magnitude_up_to_twenty_tell(small: tuple) -> None:
    backbone = small[0].model.backbone
    x = torch.zeros(1, 5, 16, 24)
    x[:, 4] = 3
    with torch.no_grad():
        before = backbone(x)
        found = []
        for coefficient, table in ((1, 3), (-1, 3), (19, 3), (20, 3), (500, 3), (0, 4)):
            other = x.clone()
            other[0, 3, 8, 8] = coefficient
            other[0, 4] = table
            found.append(backbone(other)[1])
    assert torch.equal(before[0], backbone(x)[0])
    one, minus_one, nineteen, twenty, many, other_table = found
    assert torch.equal(one, minus_one) and torch.equal(twenty, many)
    for different in (before[1], nineteen, twenty, other_table):
        assert not torch.equal(one, different)


def test_every_tensor_of_the_release_is_the_models(root: Path) -> None:
    cfg = Config.fromfile(root / 'configs' / 'peers' / 'catnet.py')
    shapes = released_shapes(cfg)
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
        model.eval()
        assert model(torch.zeros(1, 5, 136, 104), mode='tensor').shape == (1, 2, 34, 26)
    assert len(shapes) == ENTRIES
    assert sum(value.numel() for value in model.parameters()) == PARAMETERS
    counts = {
        'dc_layer0_dil.': 7, 'dc_layer1_tail.': 6, 'dc_layer2.': 54, 'dc_transition2.1.0.': 6,
        'dc_transition3.2.0.': 6, 'dc_stage3.': 324, 'dc_stage4.': 372, 'transition4.': 24, 'stage5.0.': 288,
        'last_layer.': 9,
    }  # fmt: skip
    found = {part: sum(name.startswith(part) for name in shapes) for part in counts}
    assert found == counts and sum(counts.values()) + 1830 == ENTRIES
    assert shapes['dc_layer2.0.conv1.weight'] == (96, 512, 3, 3)
    assert shapes['dc_layer2.0.downsample.0.weight'] == (96, 512, 1, 1)
    assert shapes['transition4.3.0.weight'] == (192, 768, 3, 3)
    assert shapes['last_layer.0.weight'] == (360, 360, 1, 1) and shapes['last_layer.3.weight'] == (2, 360, 1, 1)


# --- the converter


def numbered(shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """A number of its own in each tensor, which takes no room on the disk."""
    return {name: torch.tensor(float(number)).expand(shape) for number, (name, shape) in enumerate(shapes.items())}


def test_every_tensor_lands_at_its_place_and_the_licence_is_told(
    root: Path, converted: Callable, capsys: pytest.CaptureFixture
) -> None:
    state = numbered(released_shapes(Config.fromfile(root / 'configs' / 'peers' / 'catnet.py')))
    found = load_weights(converted(dict(state_dict=state, optimizer=dict(state={}))))
    assert {released_name(name): float(value.flatten()[0]) for name, value in found.items()} == {
        name: float(value.flatten()[0]) for name, value in state.items()
    }
    assert all(name.startswith('decode_head.') == released_name(name).startswith(HEAD) for name in found)
    told = capsys.readouterr().out
    assert 'CC BY 4.0' in told and 'give credit' in told and 'configs/peers/catnet.py' in told


def test_the_coefficients_stream_alone_starts_a_training(
    root: Path, converted: Callable, capsys: pytest.CaptureFixture
) -> None:
    cfg = Config.fromfile(root / 'configs' / 'peers' / 'catnet.py')
    stream = {name: shape for name, shape in released_shapes(cfg).items() if name.startswith('dc_')}
    other = {'last_layer.0.weight': torch.zeros(1), 'transition4.0.weight': torch.zeros(1)}
    path = converted(dict(state_dict=numbered(stream) | other))
    found = load_weights(path)
    assert set(found) == {f'backbone.{name}' for name in stream} and len(stream) == 775
    assert '(2 tensors): the stream of the coefficients' in capsys.readouterr().out
    with pytest.raises(SystemExit, match='no tensor begins with dc_'):
        converted(dict(state_dict=other))
    with pytest.raises(SystemExit, match=r'missing: backbone\.dc_layer2\.0\.conv1\.weight'):
        converted({name: value for name, value in numbered(stream).items() if name != 'dc_layer2.0.conv1.weight'})


# --- images as they come


def test_the_orientation_of_a_camera_is_ignored_as_the_released_code_does(small: tuple, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    photograph(24, 40).save(tmp_path / 'turned.jpg', exif=exif, quality=90)
    photograph(24, 40).save(tmp_path / 'plain.jpg', quality=90)
    turned, plain = (small[0](tmp_path / f'{name}.jpg').score for name in ('turned', 'plain'))
    np.testing.assert_array_equal(turned, plain)


@pytest.mark.parametrize('mode', ['L', 'CMYK'])
def test_grey_and_cmyk_files_are_judged(small: tuple, tmp_path: Path, mode: str) -> None:
    photograph(20, 30).convert(mode).save(tmp_path / 'a.jpg', quality=80)
    assert small[0](tmp_path / 'a.jpg').score.shape == (20, 30)


def test_what_has_lost_its_grid_is_refused_with_the_remedy(small: tuple, tmp_path: Path) -> None:
    backbone = small[0].model.backbone
    for shape in ((1, 3, 64, 64), (1, 5, 60, 64), (1, 5, 64, 65)):
        with pytest.raises(ValueError, match=r'configs/peers/catnet\.py'):
            backbone(torch.zeros(shape))


def test_beyond_the_border_pixels_are_repeated_or_the_mean(tmp_path: Path) -> None:
    photograph(13, 9).save(tmp_path / 'a.jpg', quality=90)
    load = dict(type='LoadImageFromFile')
    edge, mean = (
        Compose([load, dict(type='LoadJPEGArtifacts', padding=padding)])(dict(img_path=str(tmp_path / 'a.jpg')))['img']
        for padding in ('edge', 'mean')
    )
    np.testing.assert_array_equal(edge[:13, :9], mean[:13, :9])
    np.testing.assert_array_equal(edge[..., 3:], mean[..., 3:])
    assert not mean[13:, :, :3].any() and not mean[:, 9:, :3].any()
    np.testing.assert_array_equal(edge[13:, :9, :3], np.broadcast_to(edge[12, :9, :3], (3, 9, 3)))
    with pytest.raises(ValueError, match=r"padding of LoadJPEGArtifacts must be one of .*, got 'zero'"):
        Compose([dict(type='LoadJPEGArtifacts', padding='zero')])


def test_a_damaged_file_is_named(small: tuple, tmp_path: Path) -> None:
    photograph(40, 40).save(tmp_path / 'whole.jpg', quality=90)
    (tmp_path / 'short.jpg').write_bytes((tmp_path / 'whole.jpg').read_bytes()[:300])
    (tmp_path / 'text.jpg').write_bytes(b'no image')
    for name in ('short.jpg', 'text.jpg'):
        with pytest.raises(ValueError, match=name):
            small[0](tmp_path / name)


def test_views_are_refused(root: Path, run_tool: Callable, tmp_path: Path) -> None:
    config = root / 'configs' / 'peers' / 'catnet.py'
    (tmp_path / 'none.pth').touch()
    with pytest.raises(SystemExit, match=r'catnet\.py has no tta_pipeline'):
        run_tool(root / 'tools' / 'test.py', config, tmp_path / 'none.pth', '--tta', '--work-dir', tmp_path)


@pytest.mark.parametrize('size', [(40, 56), (61, 50)])
def test_under_a_degradation_the_coefficients_are_those_of_the_degraded_file(
    root: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    cfg = Config.fromfile(root / 'configs' / 'peers' / 'catnet.py')
    degrade_tests(cfg, 'jpeg:60')
    photograph(*size).save(tmp_path / 'a.png')
    item = Compose(cfg.test_pipeline)(dict(img_path=str(tmp_path / 'a.png')))
    cv2.imwrite(str(tmp_path / 'a.jpg'), cv2.imread(str(tmp_path / 'a.png')), [cv2.IMWRITE_JPEG_QUALITY, 60])
    rgb, plane, table = read(tmp_path / 'a.jpg', tmp_path)
    np.testing.assert_array_equal(item['inputs'][3], plane)
    np.testing.assert_array_equal(item['inputs'][4, :8, :8], table)
    inside = item['inputs'][:3, : size[0], : size[1]].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(inside, (rgb - 127.5) / 127.5, atol=1e-6)


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
def test_an_accelerator_finds_the_same(small: tuple, tmp_path: Path) -> None:
    photograph(61, 50).save(tmp_path / 'a.jpg', quality=80)
    network = small[0]
    wanted = network(tmp_path / 'a.jpg').score
    network.model.to('cuda')
    found = network(tmp_path / 'a.jpg').score
    network.model.to('cpu')
    np.testing.assert_allclose(found, wanted, atol=1e-3)


# --- training and testing


def on_forged_set(cfg: Config, forged_set: Path, work_dir: Path) -> Config:
    """Its data, no worker, one step, small crops, nothing validated."""
    cfg.merge_from_dict(
        {
            'work_dir': str(work_dir),
            'model.data_preprocessor.size': (64, 64),
            'train_dataloader.batch_size': 2,
            'train_cfg.max_iters': 1,
            'default_hooks.checkpoint': None,
        }
    )
    for part, loader in (('train', cfg.train_dataloader), ('test', cfg.test_dataloader)):
        loader.update(num_workers=0, persistent_workers=False)
        loader.dataset.data_root = str(forged_set / part)
        loader.dataset.data_prefix = dict(img_path='images', seg_map_path='masks')
    for step in cfg.train_dataloader.dataset.pipeline:
        step.update({'crop_size': (64, 64)} if step.type == 'RandomGridCrop' else {})
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    return cfg


def test_trains_a_step_and_tests_a_batch_of_several_sizes(root: Path, forged_set: Path, tmp_path: Path) -> None:
    cfg = on_forged_set(small_config_of(root, 'catnet_retrained'), forged_set, tmp_path / 'work')
    cfg.test_dataloader.batch_size = 4
    runner = Runner.from_cfg(cfg)
    before = {name: value.detach().clone() for name, value in runner.model.named_parameters()}
    runner.train()
    learned = [name for name, value in runner.model.named_parameters() if not torch.equal(value, before[name])]
    # A convolution's bias before a batch norm has no gradient but that of the decay.
    assert learned == list(before)
    assert np.isfinite(runner.message_hub.get_scalar('train/loss').current())
    assert 0 <= runner.test()['forgery/iou'] <= 1


def test_under_focals_head_it_trains_a_step_and_tests(root: Path, forged_set: Path, tmp_path: Path) -> None:
    path = root / 'configs' / 'peers' / 'focal_catnet.py'
    with torch.device('meta'):
        whole = MODELS.build(Config.fromfile(path).model)
        whole.eval()
        assert whole(torch.zeros(1, 5, 1024, 1024), mode='tensor').shape == (1, 256, 256, 256)
    assert isinstance(whole.decode_head, FOCALHead) and isinstance(whole.backbone, CATNetBackbone)
    cfg = on_forged_set(small_config_of(root, 'focal_catnet'), forged_set, tmp_path / 'work')
    cfg.model.decode_head.clusterer = dict(type='KMeansClusterer')
    cfg.test_dataloader.dataset.indices = [0]
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert np.isfinite(runner.message_hub.get_scalar('train/loss').current())
    assert 0 <= runner.test()['forgery/iou'] <= 1
