"""Lyu-NOI and PCA-NOI on a photograph with a planted noise difference, by every way there is to run a model."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.apis import MMSegInferencer, inference_model, init_model
from mmseg.registry import MODELS

from focal_mmseg.apis import FOCALInferencer
from focal_mmseg.datasets.synthesis import load_packaged

pytestmark = pytest.mark.filterwarnings('ignore:.*(Checkpoint is not loaded|weights is None|draw is False|convert 2D)')

NAMES = ('lyu_noi', 'pca_noi')


@pytest.fixture(scope='module')
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """An image of 451x300 with noise in a region, and the region."""
    image = load_packaged('chelsea')[..., ::-1].astype(np.float64)
    mask = np.zeros(image.shape[:2], bool)
    mask[70:220, 120:300] = True
    noise = np.random.default_rng(0).normal(size=image.shape) * np.where(mask, 16, 3)[..., None]
    path = tmp_path_factory.mktemp('planted') / 'cat.png'
    cv2.imwrite(str(path), (image + noise).round().clip(0, 255).astype(np.uint8))
    return path, mask


@pytest.fixture(params=NAMES)
def config(request: pytest.FixtureRequest, root: Path) -> Path:
    return root / 'configs' / 'baselines' / f'{request.param}.py'


@pytest.fixture
def test_set(config: Path, forged_set: Path, tmp_path: Path) -> Path:
    """The config with the tests' images."""
    cfg = Config.fromfile(config)
    cfg.test_dataloader.update(num_workers=0, persistent_workers=False)
    cfg.test_dataloader.dataset.update(
        data_root=str(forged_set / 'test'), data_prefix=dict(img_path='images', seg_map_path='masks'), dataset_name='t'
    )
    cfg.dump(tmp_path / 'mine.py')
    return tmp_path / 'mine.py'


def test_the_planted_region_is_found_by_every_way(config, planted) -> None:
    path, mask = planted
    focal = FOCALInferencer(config, device='cpu')
    found = focal(path)
    forged = found.mask == 255
    assert (forged & mask).sum() / (forged | mask).sum() > 0.5
    np.testing.assert_array_equal(forged, found.score > 0.5)
    assert set(found.summary) == {'width', 'height', 'forged_share', 'seconds'}
    np.testing.assert_array_equal(focal(cv2.imread(str(path))).mask, found.mask)
    model = init_model(str(config), device='cpu')
    assert not list(model.parameters()) and model.dataset_meta['classes'] == ('pristine', 'forged')
    np.testing.assert_array_equal(inference_model(model, str(path)).pred_sem_seg.data[0].numpy() == 1, forged)
    np.testing.assert_array_equal(MMSegInferencer(str(config), device='cpu')(str(path))['predictions'] == 1, forged)


def test_the_predict_tool_needs_no_checkpoint(root, run_tool: Callable, config, planted, tmp_path) -> None:
    with pytest.raises(SystemExit) as stop:
        run_tool(root / 'tools' / 'predict.py', planted[0], '--config', config, '--out', tmp_path, '--device', 'cpu')
    assert stop.value.code == 0
    mask = cv2.imread(str(tmp_path / 'cat.png' / 'mask.png'), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(mask, FOCALInferencer(config, device='cpu')(planted[0]).mask)
    share = json.loads((tmp_path / 'cat.png' / 'summary.json').read_text())['forged_share']
    assert share == pytest.approx((mask == 255).mean(), abs=1e-5)


@pytest.mark.parametrize('views', [(), ('--tta',)])
def test_the_test_tool_needs_no_checkpoint(root, run_tool: Callable, test_set, tmp_path, views) -> None:
    run_tool(root / 'tools' / 'test.py', test_set, '--work-dir', tmp_path / 'log', '--out', tmp_path / 'out', *views)
    assert len(list((tmp_path / 'out' / 't').rglob('*.png'))) == 4


def test_a_flipped_view_is_turned_back(config, planted) -> None:
    init_default_scope('mmseg')
    model = MODELS.build(Config.fromfile(config).model).eval()
    image = cv2.imread(str(planted[0]))
    seen = model.score(np.ascontiguousarray(image[:, ::-1]), {})[:, ::-1]
    sample = inference_model(init_model(str(config), device='cpu'), image)
    sample.set_metainfo(dict(flip=True, flip_direction='horizontal'))
    flipped = torch.from_numpy(image[:, ::-1].transpose(2, 0, 1).copy())
    (found,) = model.test_step(dict(inputs=[flipped], data_samples=[sample]))
    np.testing.assert_allclose(found.seg_logits.data.softmax(0)[1].numpy(), seen, atol=1e-5)


def test_training_is_refused(root, run_tool: Callable, test_set, tmp_path) -> None:
    with pytest.raises(TypeError, match=r'(LyuNOI|PCANOI) is not trained: it has no parameters'):
        MODELS.build(Config.fromfile(test_set).model).loss([], [])
    with pytest.raises(RuntimeError, match='_train_loop'):
        run_tool(root / 'tools' / 'train.py', test_set, '--work-dir', tmp_path / 'log')


def test_a_foreign_checkpoint_is_refused(run_tool: Callable, root, test_set, trained, tmp_path) -> None:
    with pytest.raises(ValueError, match='does not fit'):
        run_tool(root / 'tools' / 'test.py', test_set, trained[1], '--work-dir', tmp_path / 'log')
    with pytest.raises(ValueError, match='does not fit'):
        FOCALInferencer(test_set, trained[1], device='cpu')


@pytest.mark.parametrize('shape', [(1, 1), (3, 70), (33, 31), (65, 130)])
@pytest.mark.parametrize('value', [0, 90, 255])
def test_any_size_has_a_score_and_a_constant_image_no_forgery(config, shape, value) -> None:
    model = MODELS.build(Config.fromfile(config).model)
    score = model.score(np.full((*shape, 3), value, np.uint8), {})
    assert score.shape == shape
    assert score.max() <= 0.5


def test_small_regions_of_cells_are_pristine() -> None:
    image = np.random.default_rng(0).normal(128, 2, (320, 320, 1)).repeat(3, 2)
    image[96:128, 96:160] += np.random.default_rng(1).normal(0, 25, (32, 64, 1))
    image = image.round().clip(0, 255).astype(np.uint8)
    found = {least: MODELS.build(dict(type='PCANOI', least_cells=least)).score(image, {}) for least in (1, 100)}
    assert (found[1] > 0.5).any() and not (found[100] > 0.5).any()
    kept = found[1] <= 0.5
    np.testing.assert_array_equal(found[1][kept], found[100][kept])


def test_a_noisier_region_of_three_percent_is_found_where_nothing_is_trimmed() -> None:
    region = np.zeros((400, 400), bool)
    region[150:220, 170:240] = True
    noise = np.random.default_rng(0).normal(size=(400, 400)) * np.where(region, 9, 2)
    image = (128 + noise[..., None].repeat(3, 2)).round().astype(np.uint8)
    overlap = {}
    for trim in (0.0, 0.05):
        forged = MODELS.build(dict(type='LyuNOI', trim=trim)).score(image, {}) > 0.5
        overlap[trim] = (forged & region).sum() / (forged | region).sum()
    assert MODELS.build(dict(type='LyuNOI')).trim == 0 and MODELS.build(dict(type='PCANOI')).trim == 0.05
    assert overlap[0.0] > 0.5 > 0.2 > overlap[0.05]


@pytest.mark.parametrize('name', ['LyuNOI', 'PCANOI'])
def test_a_trim_out_of_range_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r'trim must be in \[0, 1\), got 1'):
        MODELS.build(dict(type=name, trim=1))


@pytest.mark.parametrize(
    ('name', 'options'),
    [('LyuNOI', dict(window=1)), ('LyuNOI', dict(step=0)), ('LyuNOI', dict(size=1)), ('PCANOI', dict(least_cells=0))],
)
def test_options_out_of_range_are_refused(name: str, options: dict) -> None:
    with pytest.raises(ValueError, match='must be at least'):
        MODELS.build(dict(type=name, **options))
