"""Fusion of small networks with random weights, on small real photographs."""

import csv
import gc
import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import init_default_scope
from mmseg.apis import MMSegInferencer, inference_model, init_model
from mmseg.registry import MODELS, TASK_UTILS
from mmseg.structures import SegDataSample
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.apis import FOCALInferencer
from focal_mmseg.clustering import HDBSCANClusterer
from focal_mmseg.models import FOCALFusion
from focal_mmseg.models.segmentors.fusion_member import FusionMember

pytestmark = pytest.mark.filterwarnings('ignore:.*(Checkpoint is not loaded|weights is None|draw is False|convert 2D)')

STOCK_TOOLS = Path(find_spec('mmseg').origin).parent / '.mim' / 'tools'
# Ward's method sees nothing but distances; where sklearn's K-means stops depends on the number of channels too.
WARD = dict(type='HierarchicalClusterer')
HDBSCAN = dict(type='HDBSCANClusterer', min_cluster_size=20, min_samples=2)
MIT = dict(type='MixVisionTransformer', embed_dims=8, num_layers=[1, 1, 1, 1], num_heads=[1, 2, 4, 8])
# The backbone's map as it is, a small input, ImageNet's normalisation (of the base).
PLAIN = f"""
model = dict(backbone={MIT}, decode_head=dict(in_channels=8, in_index=0, channels=None))
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(96, 64), keep_ratio=False),
    dict(type='LoadForgeryMask'),
    dict(type='PackSegInputs'),
]
"""
# Images keep their proportions and are padded; loaded as float, with another normalisation.
PADDED = f"""
model = dict(
    data_preprocessor=dict(mean=[100.0], std=[30.0], bgr_to_rgb=False, test_cfg=dict(size=(160, 160))),
    backbone={MIT},
    decode_head=dict(in_channels=[8, 16, 32, 64], channels=12),
)
test_pipeline = [
    dict(type='LoadImageFromFile', to_float32=True),
    dict(type='Resize', scale=(144, 144), keep_ratio=True),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
"""
# Windows of the image as it is.
SLIDING = f"""
model = dict(
    type='FOCALEncoderDecoder',
    backbone={MIT},
    decode_head=dict(in_channels=16, in_index=1, channels=10),
    test_cfg=dict(mode='slide', crop_size=(64, 64), stride=(48, 48)),
)
test_pipeline = [dict(type='LoadImageFromFile'), dict(type='PackSegInputs')]
"""


@pytest.fixture(scope='module')
def members(root: Path, trained: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """Config and checkpoint of each; that of the demo has a NoiseResidual in its test pipeline."""
    init_default_scope('mmseg')
    folder = tmp_path_factory.mktemp('members')
    found = dict(demo=dict(config=str(trained[0]), checkpoint=str(trained[1])))
    for seed, (name, text) in enumerate(dict(plain=PLAIN, padded=PADDED, sliding=SLIDING).items()):
        config, checkpoint = folder / f'{name}.py', folder / f'{name}.pth'
        base = (root / 'configs' / '_base_' / 'focal.py').as_posix()
        config.write_text(f"_base_ = '{base}'\nnorm_cfg = dict(type='BN')\n{text}")
        torch.manual_seed(seed)
        model = MODELS.build(Config.fromfile(config).model)
        model.init_weights()
        torch.save(dict(state_dict=model.state_dict(), meta={}), checkpoint)
        found[name] = dict(config=str(config), checkpoint=str(checkpoint))
    return found


@pytest.fixture
def fusion(members: dict[str, dict]) -> Callable[..., FOCALFusion]:
    """Builds a fusion of members, each a name, or a name and a weight."""

    def build(
        *names: str | tuple[str, float], clusterer: dict = WARD, max_points: int = 65536, **options: object
    ) -> FOCALFusion:
        chosen = []
        for name in names:
            name, weight = (name, {}) if isinstance(name, str) else (name[0], dict(weight=name[1]))
            chosen.append(members[name] | weight)
        head = dict(type='FOCALFusionHead', clusterer=clusterer, max_points=max_points)
        return MODELS.build(ConfigDict(type='FOCALFusion', members=chosen, decode_head=head, **options)).eval()

    return build


@pytest.fixture
def member(members: dict[str, dict]) -> Callable[..., torch.nn.Module]:
    """Starts a member by mmseg's own means."""

    def start(name: str, clusterer: dict = WARD, max_points: int = 65536) -> torch.nn.Module:
        cfg = Config.fromfile(members[name]['config'])
        cfg.model.decode_head.update(clusterer=clusterer, max_points=max_points)
        return init_model(cfg, members[name]['checkpoint'], device='cpu')

    return start


@pytest.fixture(scope='module')
def images(forged_set: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A square image and a wide one."""
    square = sorted((forged_set / 'test' / 'images').rglob('*.jpg'))[-1]
    wide = tmp_path_factory.mktemp('images') / 'wide.png'
    cv2.imwrite(str(wide), cv2.resize(cv2.imread(str(square)), (150, 90)))
    return [str(square), str(wide)]


def loaded(paths: list[str], **meta: object) -> dict:
    """What a fusion's test pipeline makes of images."""
    images = [cv2.imread(path) for path in paths]
    samples = [
        SegDataSample(metainfo=dict(img_path=path, ori_shape=image.shape[:2], img_shape=image.shape[:2]) | meta)
        for path, image in zip(paths, images, strict=True)
    ]
    return dict(inputs=[torch.from_numpy(image.transpose(2, 0, 1).copy()) for image in images], data_samples=samples)


@torch.no_grad()
def predict(model: torch.nn.Module, paths: list[str], **meta: object) -> list[SegDataSample]:
    return model.test_step(loaded(paths, **meta))


def alone(model: torch.nn.Module, paths: list[str]) -> list[SegDataSample]:
    """One by one: a plain network takes no images of several sizes in a batch."""
    return [inference_model(model, path) for path in paths]


@torch.no_grad()
def embeddings_of(model: torch.nn.Module, path: str) -> Tensor:
    """(C, h, w) of a member that runs by itself, with its padding."""
    pipeline = [each for each in model.cfg.test_pipeline if each.type != 'LoadAnnotations']
    data = model.data_preprocessor(pseudo_collate([Compose(pipeline)(dict(img_path=path))]), False)
    return model(data['inputs'], mode='tensor')[0]


def assert_same(found: SegDataSample, expected: SegDataSample, tolerance: float = 0) -> None:
    torch.testing.assert_close(score_of(found), score_of(expected), rtol=0, atol=tolerance)
    assert torch.equal(found.pred_sem_seg.data, expected.pred_sem_seg.data)
    assert expected.pred_sem_seg.data.unique().tolist() == [0, 1], 'the test tests nothing'


def score_of(sample: SegDataSample) -> Tensor:
    return sample.seg_logits.data.softmax(0)[1]


# --- features, eq. 4


@pytest.mark.parametrize('clusterer', [WARD, HDBSCAN], ids=['ward', 'hdbscan'])
@pytest.mark.parametrize('name', ['demo', 'plain', 'padded', 'sliding'])
def test_a_network_fused_with_itself_finds_what_it_finds_alone(fusion, member, images, name, clusterer) -> None:
    together = predict(fusion(name, name, clusterer=clusterer), images)
    for found, expected, path in zip(together, alone(member(name, clusterer), images), images, strict=True):
        assert found.seg_logits.data.shape == (2, *cv2.imread(path).shape[:2])
        torch.testing.assert_close(score_of(found), score_of(expected), rtol=0, atol=1e-4)
        assert torch.equal(found.pred_sem_seg.data, expected.pred_sem_seg.data)
        if clusterer is WARD:
            assert expected.pred_sem_seg.data.unique().tolist() == [0, 1], 'the test tests nothing'


@pytest.mark.parametrize('name', ['demo', 'padded'])
def test_a_map_of_more_points_than_are_clustered_is_made_coarser_as_one_networks_is(
    fusion, member, images, name
) -> None:
    model = fusion(name, name, max_points=300)
    together = predict(model, images)
    grids = [(1, 16, 16), (1, 16, 16)] if name == 'demo' else [(1, 12, 12), (1, 11, 18)]
    assert [each.pred_clusters.data.shape for each in together] == grids
    for found, expected in zip(together, alone(member(name, max_points=300), images), strict=True):
        assert_same(found, expected, 1e-4)


@pytest.mark.parametrize('weight', [0, 1e-6])
@pytest.mark.parametrize('name', ['demo', 'padded'])
def test_without_weight_the_other_decides(fusion, member, images, name, weight) -> None:
    together = predict(fusion(('plain', weight), name), images)
    for found, expected in zip(together, alone(member(name), images), strict=True):
        assert_same(found, expected, 1e-4)


def test_a_member_without_weight_does_not_run(fusion, images, monkeypatch) -> None:
    model = fusion(('plain', 0), 'demo', ('padded', 0.5))
    monkeypatch.setattr(model.members[0], 'embed', None)
    predict(model, images)


def test_the_fused_embeddings_are_those_of_the_members_run_by_hand(fusion, member, images) -> None:
    """Of three members: 32x32 cells of 128x128 pixels, 16x24 of 64x96, and a part of 40x40 of a padded 160x160."""
    names, weights = ('demo', 'plain', 'padded'), (1.0, 2.0, 0.5)
    fused = fusion(*zip(names, weights, strict=True))(loaded(images)['inputs'], mode='tensor')
    networks = [member(name) for name in names]
    # 144x144 pixels of the square image and 144x86 of the wide one are no padding.
    for path, found, rows in zip(images, fused, (36, 21), strict=True):
        maps = [embeddings_of(network, path) for network in networks]
        assert [tuple(each.shape[1:]) for each in maps] == [(32, 32), (16, 24), (40, 40)]
        maps[2] = maps[2][:, :rows, :36]
        size = (36, 36) if rows == 36 else (32, 32)
        resized = [F.interpolate(each[None], size=size, mode='bilinear')[0] for each in maps]
        parts = [weight * each / each.norm(dim=0) for weight, each in zip(weights, resized, strict=True)]
        torch.testing.assert_close(found, torch.cat(parts) / 5.25**0.5, rtol=1e-4, atol=1e-5)


def test_as_released_the_map_has_the_first_members_resolution(fusion, member, images) -> None:
    names = ('plain', 'demo')
    model = fusion(*names, resolution='first', interpolation='nearest')
    (fused,) = model(loaded(images[:1])['inputs'], mode='tensor')
    maps = [embeddings_of(member(name), images[0]) for name in names]
    assert [tuple(each.shape[1:]) for each in maps] == [(16, 24), (32, 32)]
    rows, columns = torch.arange(16) * 32 // 16, torch.arange(24) * 32 // 24
    torch.testing.assert_close(fused, torch.cat([maps[0], maps[1][:, rows][:, :, columns]]) / 2**0.5)
    (found,) = predict(model, images[:1])
    assert found.pred_sem_seg.shape == cv2.imread(images[0]).shape[:2]


def test_the_clusters_are_those_of_the_fused_embeddings(fusion, images) -> None:
    model = fusion('demo', 'plain')
    square = images[:1]
    with torch.no_grad():
        (fused,) = model(loaded(square)['inputs'], mode='tensor')
    expected = TASK_UTILS.build(WARD).localise(fused.flatten(1).T)
    score = expected.score.view(1, 1, 32, 32)
    logits = torch.cat([(1 - score).log(), score.log()], dim=1)
    # The image has the size of the largest member's input.
    logits = F.interpolate(logits, size=(128, 128), mode='bilinear')[0]
    (found,) = predict(model, square)
    torch.testing.assert_close(score_of(found), logits.softmax(0)[1], rtol=0, atol=1e-3)
    assert torch.equal(found.pred_clusters.data.flatten(), expected.labels)
    assert torch.equal(found.pred_sem_seg.data[0], found.seg_logits.data.argmax(0))


@pytest.mark.parametrize('mode', ['features', 'union'])
def test_images_of_several_sizes_in_a_batch_do_not_touch_each_other(fusion, images, mode) -> None:
    model = fusion('demo', 'padded', mode=mode)
    together = predict(model, images)
    for path, found in zip(images, together, strict=True):
        assert_same(found, predict(model, [path])[0])


def test_a_flip_is_undone(fusion, images, tmp_path) -> None:
    model = fusion('demo', 'plain')
    cv2.imwrite(str(tmp_path / 'flipped.png'), cv2.imread(images[0])[:, ::-1])
    (mirrored,) = predict(model, [str(tmp_path / 'flipped.png')])
    (undone,) = predict(model, [str(tmp_path / 'flipped.png')], flip=True, flip_direction='horizontal')
    assert torch.equal(score_of(undone), score_of(mirrored).flip(1))


def test_samples_are_not_needed(fusion, images) -> None:
    model = fusion('demo', 'plain')
    with torch.no_grad():
        (found,) = model.predict(loaded(images[:1])['inputs'])
    assert_same(found, predict(model, images[:1])[0])


# --- union and intersection


@pytest.mark.parametrize('mode', ['union', 'intersection'])
def test_results_are_joined(fusion, member, images, mode) -> None:
    names = ('demo', 'plain', 'padded')
    singles = [alone(member(name), images) for name in names]
    found = predict(fusion(*names, mode=mode), images)
    for index, joined in enumerate(found):
        masks = torch.stack([each[index].pred_sem_seg.data.bool() for each in singles])
        scores = torch.stack([score_of(each[index]) for each in singles])
        mask, score = (masks.any(0), scores.amax(0)) if mode == 'union' else (masks.all(0), scores.amin(0))
        torch.testing.assert_close(score_of(joined), score, rtol=0, atol=1e-5)
        assert torch.equal(joined.pred_sem_seg.data.bool(), mask)
        assert not any(torch.equal(each, mask) for each in masks), 'the test tests nothing'


def test_every_member_is_clustered_by_the_fusions_clusterer(fusion, images) -> None:
    model = fusion('demo', 'plain', mode='union', clusterer=dict(type='KMeansClusterer', n_clusters=3))
    seen = []
    cluster = model.decode_head.clusterer.localise_batch
    model.decode_head.clusterer.localise_batch = lambda batch, grids: seen.extend(grids) or cluster(batch, grids)
    samples = predict(model, images)
    assert seen == [(32, 32), (16, 24)] * 2 or seen == [(32, 32), (32, 32), (16, 24), (16, 24)]
    assert [each.num_clusters for each in samples] == [3, 3]
    # Two maps of an image have no clusters in common.
    assert not any('pred_clusters' in each for each in samples)


# --- one member at a time


@pytest.mark.parametrize('mode', ['features', 'union'])
def test_one_after_the_other_they_find_the_same(fusion, images, mode) -> None:
    parallel, sequential = (fusion('demo', 'padded', mode=mode, sequential=each) for each in (False, True))
    for found, expected in zip(predict(sequential, images), predict(parallel, images), strict=True):
        assert_same(found, expected)


@pytest.mark.parametrize('sequential', [False, True])
def test_resting_members_do_not_move_with_the_model(fusion, sequential) -> None:
    model = fusion('demo', 'plain', sequential=sequential).to('meta')
    assert {value.is_meta for value in model.state_dict().values()} == {not sequential}


def test_a_member_leaves_the_accelerator_before_the_next_one_comes(fusion, images, monkeypatch) -> None:
    model = fusion('demo', 'plain', 'padded', sequential=True)
    moves = []
    for number, each in enumerate(model.members):
        monkeypatch.setattr(each.segmentor, 'to', lambda device, number=number: moves.append((number, str(device))))
    monkeypatch.setattr(model.data_preprocessor, '_device', torch.device('meta'))
    model.extract_feat(loaded(images)['inputs'])
    assert moves == [(number, device) for number in range(3) for device in ('meta', 'cpu')]


def test_a_member_that_fails_leaves_the_accelerator_too(fusion, images, monkeypatch) -> None:
    model, moves = fusion('demo', 'plain', sequential=True), []
    monkeypatch.setattr(model.members[0].segmentor, 'to', lambda device: moves.append(str(device)))
    monkeypatch.setattr(model.members[0], '_prepare', None)
    with pytest.raises(TypeError):
        predict(model, images)
    assert moves == ['cpu', 'cpu']


def held() -> int:
    """Bytes that tensors ask of the accelerator; what its allocator rounds them up to hangs on what it did before."""
    gc.collect()
    return torch.cuda.memory_stats()['requested_bytes.all.current']


def peak_of(run: Callable[[], object]) -> int:
    """Bytes that the accelerator holds at most while ``run`` works, above what it held before."""
    before = held()
    torch.cuda.reset_peak_memory_stats()
    run()
    return torch.cuda.memory_stats()['requested_bytes.all.peak'] - before


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs an accelerator')
@pytest.mark.parametrize('mode', ['features', 'union'])
def test_on_an_accelerator_there_is_one_members_memory_at_a_time(fusion, images, mode) -> None:
    parallel = fusion('demo', 'padded', mode=mode).to('cuda')
    expected = [each.cpu() for each in predict(parallel, images)]
    del parallel
    model = fusion('demo', 'padded', mode=mode, sequential=True)
    device = torch.device('cuda')
    inputs = loaded(images)['inputs']
    with torch.no_grad():
        # Libraries take their own share when they run for the first time.
        for each in model.members:
            each.embed(inputs, device)
        alone = [peak_of(lambda each=each: each.embed(inputs, device)) for each in model.members]
        before = held()
        model.to('cuda')
        assert held() == before, 'a resting member is on the accelerator'
        maps = []
        together = peak_of(lambda: maps.extend(model.extract_feat(inputs)))
    # A member's maps wait on the CPU, so that nothing of it stays beside the next.
    assert held() == before and len(maps) == 2
    assert 0 < together <= max(alone)
    for found, wanted in zip(predict(model, images), expected, strict=True):
        assert_same(found.cpu(), wanted, 1e-3)
    assert {value.device.type for value in model.state_dict().values()} == {'cpu'}


# --- what is refused


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(mode='feature'), r"mode must be one of .*'union'.*got 'feature'"),
        (dict(resolution='second'), r"resolution must be one of .*'first'.*got 'second'"),
        (dict(interpolation='cubic'), r"interpolation must be one of .*'nearest'.*got 'cubic'"),
        (dict(weights=(1.0, -0.5)), r'plain\.py must be a finite number of at least 0, got -0\.5'),
        (dict(weights=(float('nan'), 1.0)), r'got nan'),
        (dict(weights=(1.0, float('inf'))), r'got inf'),
        (dict(weights=(1.0, '2')), r'got 2'),
        (dict(weights=(0.0, 0.0)), 'at least one member needs a weight above 0'),
        (dict(weights=(1.0, 2.0), mode='union'), r"no meaning in mode 'union', got \[1\.0, 2\.0\]"),
    ],
    ids=str,
)
def test_bad_options_are_refused(fusion, options, message) -> None:
    names = zip(('demo', 'plain'), options.pop('weights', (1.0, 1.0)), strict=True)
    with pytest.raises(ValueError, match=message):
        fusion(*names, **options)


def test_one_member_is_no_fusion(fusion) -> None:
    with pytest.raises(ValueError, match='at least two members, got 1'):
        fusion('demo')


@pytest.mark.parametrize('key', ['config', 'checkpoint'])
def test_a_missing_file_is_named(members, key) -> None:
    wrong = members['plain'] | {key: 'nowhere.file'}
    with pytest.raises(FileNotFoundError, match=rf'the {key} nowhere\.file .*does not exist'):
        MODELS.build(dict(type='FOCALFusion', members=[members['demo'], wrong]))


def test_a_checkpoint_of_another_network_is_refused_with_both_names(members) -> None:
    wrong = members['plain'] | dict(checkpoint=members['padded']['checkpoint'])
    with pytest.raises(ValueError, match=r'padded\.pth of the member \S*plain\.py does not fit'):
        MODELS.build(dict(type='FOCALFusion', members=[members['demo'], wrong]))


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (
            "model = dict(type='EncoderDecoder',"
            "decode_head=dict(_delete_=True, type='FCNHead', in_channels=8, channels=4, num_classes=2))",
            r'changed\.py is no FOCAL network: its decode_head is FCNHead',
        ),
        (
            "model = dict(test_cfg=dict(mode='slide', crop_size=64))",
            r'changed\.py cannot be built: .*needs crop_size=\(height, width\)',
        ),
        (
            "model = dict(type='EncoderDecoder', test_cfg=dict(mode='slide'))",
            r"changed\.py cannot be used: .*mode='slide'",
        ),
        ("test_pipeline = [dict(type='PackSegInputs')]", r'changed\.py needs .*LoadImageFromFile, got PackSegInputs'),
        ('test_pipeline = None', r'changed\.py needs .*LoadImageFromFile, got None'),
        (
            "test_pipeline = [dict(type='LoadImageFromFile', color_type='color_ignore_orientation')]",
            r"changed\.py loads its images in its own way, \{'color_type': 'color_ignore_orientation'\}",
        ),
        (
            "test_pipeline = [dict(type='mmcv.LoadImageFromFile', imdecode_backend='pillow')]",
            r"changed\.py loads its images in its own way, \{'imdecode_backend': 'pillow'\}",
        ),
    ],
    ids=['no FOCALHead', 'options', 'slide', 'no loading', 'no pipeline', 'colours', 'backend'],
)
def test_a_member_that_cannot_be_fused_is_refused(members, tmp_path, text, message) -> None:
    (tmp_path / 'changed.py').write_text(f"_base_ = '{Path(members['plain']['config']).as_posix()}'\n{text}\n")
    wrong = members['plain'] | dict(config=str(tmp_path / 'changed.py'))
    with pytest.raises(ValueError, match=message):
        MODELS.build(dict(type='FOCALFusion', members=[members['demo'], wrong]))


def test_a_scope_before_a_transforms_name_changes_nothing(members, images, tmp_path) -> None:
    changed = tmp_path / 'changed.py'
    changed.write_text(f"""_base_ = '{Path(members['plain']['config']).as_posix()}'
test_pipeline = [
    dict(type='mmcv.LoadImageFromFile', color_type='color', imdecode_backend='cv2'),
    dict(type='Resize', scale=(96, 64), keep_ratio=False),
    dict(type='mmseg.LoadAnnotations'),
    dict(type='PackSegInputs'),
]
""")
    maps = []
    for config in (members['plain']['config'], str(changed)):
        member = FusionMember(config, members['plain']['checkpoint']).eval()
        with torch.no_grad():
            maps.append(member.embed(loaded(images[:1])['inputs'], torch.device('cpu'))[0].embeddings)
    assert torch.equal(*maps)


def test_training_is_refused(fusion) -> None:
    with pytest.raises(TypeError, match='train each member'):
        fusion('demo', 'plain')([], [], mode='loss')


def test_a_sequential_fusion_refuses_a_distributed_run(fusion) -> None:
    torch.distributed.init_process_group('gloo', store=torch.distributed.HashStore(), rank=0, world_size=1)
    try:
        with pytest.raises(ValueError, match='sequential=True'):
            fusion('demo', 'plain', sequential=True)
    finally:
        torch.distributed.destroy_process_group()


# --- through tools and APIs


@pytest.fixture
def config(root: Path, members: dict[str, dict], forged_set: Path, tmp_path: Path) -> Path:
    """A fusion's config as a user writes it."""
    path = tmp_path / 'fusion.py'
    path.write_text(f"""_base_ = '{(root / 'configs' / 'focal_fusion.py').as_posix()}'
model = dict(
    members={[members['demo'], members['plain']]},
    decode_head=dict(clusterer={WARD}),
)
test_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    batch_size=3,
    dataset=dict(
        dataset_name='demo',
        data_root='{(forged_set / 'test').as_posix()}',
        data_prefix=dict(img_path='images', seg_map_path='masks'),
    ),
)
""")
    return path


@pytest.fixture
def run_test(root: Path, run_tool: Callable, config: Path, tmp_path: Path) -> Callable[..., Path]:
    """Runs tools/test.py on the fusion; the folder of its results."""

    def run(*arguments: str | Path) -> Path:
        out = tmp_path / 'out'
        run_tool(root / 'tools' / 'test.py', config, '--work-dir', tmp_path / 'log', '--out', out, *arguments)
        return out

    return run


def test_the_test_tool_needs_no_checkpoint_for_a_fusion(run_test, fusion, forged_set, tmp_path) -> None:
    out = run_test('--show-dir', tmp_path / 'drawings')
    model = fusion('demo', 'plain')
    paths = sorted((forged_set / 'test' / 'images').rglob('*.jpg'))
    for path in paths:
        mask = cv2.imread(str(out / 'demo' / path.parent.name / f'{path.stem}.png'), cv2.IMREAD_UNCHANGED)
        expected = predict(model, [str(path)])[0].pred_sem_seg.data[0].numpy()
        assert 0 < expected.mean() < 1
        np.testing.assert_array_equal(mask, expected * 255)
    assert len((out / 'images.csv').read_text().splitlines()) == 1 + len(paths) == 5
    assert len(list((tmp_path / 'drawings').rglob('*.png'))) == 4


def test_views_are_averaged_at_test_time(run_test, fusion, forged_set, tmp_path) -> None:
    out, model = run_test('--tta'), fusion('demo', 'plain')
    path = next((forged_set / 'test' / 'images' / 'splice').glob('*.jpg'))
    cv2.imwrite(str(tmp_path / 'flipped.png'), cv2.imread(str(path))[:, ::-1])
    scores = [score_of(predict(model, [str(each)])[0]) for each in (path, tmp_path / 'flipped.png')]
    merged = (scores[0] + scores[1].flip(1)) / 2
    mask = cv2.imread(str(out / 'demo' / 'splice' / f'{path.stem}.png'), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(mask, (merged > 0.5).numpy() * 255)


@pytest.mark.parametrize('mode', ['features', 'union'])
def test_the_clustering_hook_swaps_the_clusterer(run_test, tmp_path, mode) -> None:
    hook = 'default_hooks.clustering'
    run_test(
        '--cfg-options',
        f'model.mode={mode}',
        f'{hook}.type=ClusteringHook',
        f'{hook}.clusterer.type=KMeansClusterer',
        f'{hook}.clusterer.n_clusters=5',
    )
    (table,) = (tmp_path / 'log').rglob('clustering_test.csv')
    with table.open(newline='') as file:
        assert [float(row['clusters']) for row in csv.DictReader(file)] == [5] * 4


@pytest.mark.parametrize('tools', ['ours', 'stock'])
def test_a_checkpoint_of_the_whole_fusion_may_be_given(root, run_tool, config, fusion, tmp_path, tools) -> None:
    script = (root / 'tools' if tools == 'ours' else STOCK_TOOLS) / 'test.py'
    state = fusion('demo', 'plain').state_dict()
    name = 'members.1.segmentor.backbone.layers.0.0.projection.weight'
    state[name] = state[name] * float('nan')
    torch.save(dict(state_dict=state, meta={}), tmp_path / 'fusion.pth')
    with pytest.raises(ValueError, match='the embeddings hold NaN'):
        run_tool(script, config, tmp_path / 'fusion.pth', '--work-dir', tmp_path / 'log')


def test_a_members_checkpoint_is_not_the_fusions(run_test, members) -> None:
    with pytest.raises(ValueError, match='does not fit'):
        run_test(members['demo']['checkpoint'])


def test_any_other_model_still_needs_a_checkpoint(root, run_tool, members, tmp_path) -> None:
    arguments = (members['demo']['config'], '--work-dir', tmp_path / 'log')
    with pytest.raises(ValueError, match='EncoderDecoder needs a checkpoint; only a FOCALFusion'):
        run_tool(root / 'tools' / 'test.py', *arguments)
    with pytest.raises(ValueError, match='EncoderDecoder needs a checkpoint; only a FOCALFusion'):
        FOCALInferencer(members['demo']['config'], device='cpu')
    # It may stand behind options.
    with pytest.raises(SystemExit, match=r'nowhere\.pth'):
        run_tool(root / 'tools' / 'test.py', *arguments, 'nowhere.pth')


def test_the_predict_tool(root, run_tool, config, fusion, images, tmp_path) -> None:
    arguments = (images[1], '--config', config, '--out', tmp_path / 'out', '--device', 'cpu')
    with pytest.raises(SystemExit) as stop:
        run_tool(root / 'tools' / 'predict.py', *arguments)
    assert stop.value.code == 0
    mask = cv2.imread(str(tmp_path / 'out' / 'wide.png' / 'mask.png'), cv2.IMREAD_UNCHANGED)
    expected = predict(fusion('demo', 'plain'), images[1:])[0].pred_sem_seg.data[0].numpy()
    np.testing.assert_array_equal(mask, expected * 255)
    assert json.loads((tmp_path / 'out' / 'wide.png' / 'summary.json').read_text())['clusters'] == 2


def test_the_inferencer_tells_the_mean_of_the_members(config, images) -> None:
    focal = FOCALInferencer(config, device='cpu', cfg_options={'model.mode': 'intersection'})
    summary = focal(images[0]).summary
    assert summary['clusters'] == 2
    head, found = focal.model.decode_head, []
    head.clusterer = HDBSCANClusterer(min_cluster_size=20, min_samples=2)
    cluster = head.clusterer.localise
    head.clusterer.localise = lambda *image: found.append(cluster(*image)) or found[-1]
    summary = focal(images[0]).summary
    assert len(found) == 2
    assert summary['noise_share'] == pytest.approx((found[0].noise_share + found[1].noise_share) / 2, abs=1e-6)
    assert found[0].noise_share != found[1].noise_share


def test_mmsegs_own_inference(config, fusion, images) -> None:
    expected = [each.pred_sem_seg.data[0].numpy() for each in predict(fusion('demo', 'plain'), images)]
    model = init_model(str(config), device='cpu')
    assert model.dataset_meta['classes'] == ('pristine', 'forged')
    for found, mask in zip(inference_model(model, images), expected, strict=True):
        np.testing.assert_array_equal(found.pred_sem_seg.data[0].numpy(), mask)
    by_array = inference_model(model, cv2.imread(images[1]))
    np.testing.assert_array_equal(by_array.pred_sem_seg.data[0].numpy(), expected[1])
    for found, mask in zip(MMSegInferencer(str(config), device='cpu')(images)['predictions'], expected, strict=True):
        np.testing.assert_array_equal(found, mask)


def test_the_shipped_config_names_hrnet_and_vit(root) -> None:
    cfg = Config.fromfile(root / 'configs' / 'focal_fusion.py')
    assert [Path(each.config) for each in cfg.model.members] == [
        root / 'configs' / f'focal_{name}.py' for name in ('hrnet', 'vit')
    ]
    with pytest.raises(FileNotFoundError, match=r'work_dirs/focal_hrnet/iter_40000\.pth does not exist'):
        MODELS.build(cfg.model)
