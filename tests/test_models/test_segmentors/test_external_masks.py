"""Other tools' masks in the same tables."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmseg.registry import MODELS

from focal_mmseg.apis import FOCALInferencer

SIZE = (6, 8)
IMAGE = np.zeros((*SIZE, 3), np.uint8)
META = dict(img_path='set/a/00001.jpg', dataset_name='d', image_name='a/00001', ori_shape=SIZE)


@pytest.fixture
def ramp() -> np.ndarray:
    return np.linspace(0, 1, 48, dtype=np.float32).reshape(SIZE)


def external(folder: Path, pattern: str = '{dataset}/{image}.npy', **options: object):
    return MODELS.build(dict(type='ExternalMasks', folder=str(folder), pattern=pattern, **options))


def put(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, values)


@pytest.fixture
def set_up(root: Path, forged_set: Path, tmp_path: Path) -> Callable[..., Path]:
    """Writes the shipped config with the tests' images and a folder."""

    def write(folder: Path, **options: object) -> Path:
        cfg = Config.fromfile(root / 'configs' / 'baselines' / 'external_masks.py')
        cfg.model.update(folder=str(folder), **options)
        cfg.test_dataloader.update(num_workers=0, persistent_workers=False)
        cfg.test_dataloader.dataset.update(
            data_root=str(forged_set / 'test'),
            data_prefix=dict(img_path='images', seg_map_path='masks'),
            dataset_name='mine',
        )
        cfg.dump(tmp_path / 'external.py')
        return tmp_path / 'external.py'

    return write


@pytest.mark.parametrize(
    ('pattern', 'file'),
    [
        ('{dataset}/{image}.npy', 'd/a/00001.npy'),
        ('{stem}_mask.npy', '00001_mask.npy'),
        ('{name}.npy', '00001.jpg.npy'),
        ('{dataset}-{stem}.npy', 'd-00001.npy'),
    ],
)
def test_an_images_file_is_found_by_its_names(tmp_path, ramp, pattern: str, file: str) -> None:
    put(tmp_path / file, ramp)
    np.testing.assert_allclose(external(tmp_path, pattern).score(IMAGE, META), ramp, atol=1e-6)


def test_black_may_be_forged(tmp_path, ramp) -> None:
    put(tmp_path / 'a/00001.npy', ramp)
    score = external(tmp_path, '{image}.npy', forged_is='black', threshold=0.8).score(IMAGE, META)
    np.testing.assert_array_equal(score > 0.5, 1 - ramp.astype(np.float64) > 0.8)


@pytest.mark.parametrize('threshold', [0.1, 0.5, 0.9])
def test_the_threshold_cuts_and_keeps_the_order(tmp_path, ramp, threshold: float) -> None:
    ramp[0, 3] = threshold
    ramp[0, 4] = np.nextafter(np.float32(threshold), np.float32(1)) + np.float32(1e-7)
    put(tmp_path / 'a/00001.npy', ramp)
    model = external(tmp_path, '{image}.npy', threshold=threshold)
    score = model.score(IMAGE, META)
    (logits,) = model.encode_decode([_tensor(IMAGE)], [META])
    np.testing.assert_array_equal(logits.argmax(0).numpy() == 1, ramp.astype(np.float64) > threshold)
    order = np.argsort(ramp, axis=None, kind='stable')
    assert (np.diff(score.ravel()[order]) >= 0).all()
    if threshold == 0.5:
        np.testing.assert_allclose(score, ramp, atol=2e-6)


def _tensor(image: np.ndarray):
    import torch

    return torch.from_numpy(image.transpose(2, 0, 1).copy())


def test_another_size_is_brought_to_the_images_bilinearly(tmp_path, ramp) -> None:
    put(tmp_path / 'a/00001.npy', ramp)
    meta = META | dict(ori_shape=(30, 40))
    score = external(tmp_path, '{image}.npy').score(np.zeros((30, 40, 3), np.uint8), meta)
    np.testing.assert_allclose(score, cv2.resize(ramp, (40, 30), interpolation=cv2.INTER_LINEAR), atol=2e-6)


def test_a_map_on_its_side_is_refused(tmp_path, ramp) -> None:
    put(tmp_path / 'a/00001.npy', ramp.T)
    with pytest.raises(ValueError, match=r'00001\.npy is 6x8, its image 8x6: turn it'):
        external(tmp_path, '{image}.npy').score(IMAGE, META)


@pytest.mark.parametrize(('direction', 'axis'), [('horizontal', 1), ('vertical', 0)])
def test_a_flipped_image_gets_a_flipped_map(tmp_path, ramp, direction: str, axis: int) -> None:
    put(tmp_path / 'a/00001.npy', ramp)
    meta = META | dict(flip=True, flip_direction=direction)
    score = external(tmp_path, '{image}.npy').score(IMAGE, meta)
    np.testing.assert_allclose(score, np.flip(ramp, axis), atol=2e-6)


def test_what_is_missing_is_named(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match=r'd/a/00001\.npy, the mask of set/a/00001\.jpg, does not exist'):
        external(tmp_path).score(IMAGE, META)
    with pytest.raises(FileNotFoundError, match=r'folder .*nowhere of masks does not exist: set model\.folder'):
        external(tmp_path / 'nowhere')


def test_an_unreadable_file_is_named(tmp_path) -> None:
    (tmp_path / '00001.npy').write_bytes(b'nothing')
    with pytest.raises(ValueError, match=r'00001\.npy cannot be read'):
        external(tmp_path, '{stem}.npy').score(IMAGE, META)


@pytest.mark.parametrize('names', [dict(image_name='../../secret'), dict(dataset_name='..'), dict(dataset_name='/etc')])
def test_names_do_not_lead_out_of_the_folder(tmp_path, names: dict) -> None:
    with pytest.raises(ValueError, match='would lie outside'):
        external(tmp_path).score(IMAGE, META | names)


def test_an_image_without_names_is_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match='give a file, not an array'):
        external(tmp_path).score(IMAGE, {})
    with pytest.raises(ValueError, match=r'comes from no data set.*set model\.pattern'):
        external(tmp_path).score(IMAGE, dict(img_path='b.jpg'))


@pytest.mark.parametrize(
    'options',
    [
        dict(pattern='{file}.png'),
        dict(pattern='mask.png'),
        dict(pattern='{}.png'),
        dict(forged_is='grey'),
        dict(threshold=0.0),
        dict(threshold=1.0),
        dict(white=0),
    ],
)
def test_options_without_meaning_are_refused(tmp_path, options: dict) -> None:
    (name,) = options
    with pytest.raises(ValueError, match=f'{name} must'):
        external(tmp_path, **options)


@pytest.mark.parametrize('views', [(), ('--tta',)])
def test_the_masks_of_another_model_get_its_figures(
    root, run_tool: Callable, classifier, set_up: Callable, tmp_path, views
) -> None:
    options = ('--work-dir', tmp_path / 'log', '--out')
    name = ('--cfg-options', 'test_dataloader.dataset.dataset_name=mine')
    run_tool(root / 'tools' / 'test.py', *classifier, *options, tmp_path / 'theirs', *name)
    run_tool(root / 'tools' / 'test.py', set_up(tmp_path / 'theirs'), *options, tmp_path / 'ours', *views)
    theirs, ours = (
        list(csv.DictReader((tmp_path / part / 'images.csv').open(newline=''))) for part in ('theirs', 'ours')
    )
    assert len(ours) == 4
    for one, other in zip(theirs, ours, strict=True):
        for figure in ('image', 'iou', 'macro_f1', 'forged_f1', 'tp', 'fp', 'fn', 'tn'):
            assert one[figure] == other[figure]
    for mask in (tmp_path / 'theirs').rglob('*.png'):
        again = tmp_path / 'ours' / mask.relative_to(tmp_path / 'theirs')
        np.testing.assert_array_equal(cv2.imread(str(again)), cv2.imread(str(mask)))
    assert any(0 < float(row['iou']) < 1 for row in theirs), 'the test tests nothing'


def test_the_predict_tool_reads_a_score_map(root, run_tool: Callable, set_up: Callable, image_path, tmp_path) -> None:
    score = cv2.GaussianBlur(np.random.default_rng(0).random((90, 150)), (0, 0), 5)
    score = ((score - score.min()) / np.ptp(score)).astype(np.float32)
    (tmp_path / 'trufor').mkdir()
    np.savez(tmp_path / 'trufor' / f'{image_path.name}.npz', map=score, conf=1 - score, score=np.float32(0.9))
    config = set_up(tmp_path / 'trufor', pattern='{name}.npz')
    arguments = (image_path, '--config', config, '--out', tmp_path / 'out', '--device', 'cpu')
    with pytest.raises(SystemExit) as stop:
        run_tool(root / 'tools' / 'predict.py', *arguments)
    assert stop.value.code == 0
    folder = tmp_path / 'out' / image_path.name
    mask = cv2.imread(str(folder / 'mask.png'), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(mask == 255, score > 0.5)
    written = cv2.imread(str(folder / 'score.png'), cv2.IMREAD_UNCHANGED) / 65535
    np.testing.assert_allclose(written, score, atol=2e-5)
    assert json.loads((folder / 'summary.json').read_text())['width'] == 150
    np.testing.assert_array_equal(FOCALInferencer(config, device='cpu')(image_path).mask, mask)


@pytest.mark.parametrize('views', [(), ('--tta',)])
def test_the_tools_own_image_scores_rank_the_images(
    root, run_tool: Callable, set_up: Callable, forged_set, tmp_path, views
) -> None:
    images = sorted(path for path in (forged_set / 'test' / 'images').rglob('*') if path.is_file())
    for number, path in enumerate(images):
        target = tmp_path / 'trufor' / path.relative_to(forged_set / 'test' / 'images').with_suffix('.npz')
        target.parent.mkdir(parents=True, exist_ok=True)
        height, width = cv2.imread(str(path)).shape[:2]
        np.savez(target, map=np.zeros((height, width), np.float32), score=np.float32(number / 8))
    config = set_up(tmp_path / 'trufor', pattern='{image}.npz', score_key='score')
    run_tool(root / 'tools' / 'test.py', config, '--work-dir', tmp_path / 'log', '--out', tmp_path / 'out', *views)
    with (tmp_path / 'out' / 'images.csv').open(newline='') as file:
        found = sorted((row['image'], float(row['image_score'])) for row in csv.DictReader(file))
    assert [score for _, score in found] == [number / 8 for number in range(len(images))]


def test_the_test_tool_names_the_missing_mask(root, run_tool: Callable, set_up: Callable, tmp_path) -> None:
    (tmp_path / 'empty').mkdir()
    with pytest.raises(SystemExit, match=r'empty/mine/.*\.png, the mask of .*\.jpg, does not exist'):
        run_tool(root / 'tools' / 'test.py', set_up(tmp_path / 'empty'), '--work-dir', tmp_path / 'log')
