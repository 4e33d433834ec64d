"""From a file to the network no image is compressed again, unless a transform of the config does it."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmseg.registry import MODELS
from PIL import Image

from focal_mmseg.datasets import transforms
from focal_mmseg.datasets.degradations import insert_degradation, parse_degradation

NO_DEGRADATION = ('LoadForgeryMask', 'LoadJPEGArtifacts', 'NoiseResidual', 'RandomGridCrop')
# Trained on forgeries that are made on the fly, as those called so.
ONLINE = ('focal_lite', 'fcn_lite')


def encoded(photograph: np.ndarray, name: str) -> bytes:
    """A file as cameras and editors write it, not as OpenCV does."""
    buffer = io.BytesIO()
    image = Image.fromarray(photograph)
    if name.endswith('.jpg'):
        image.save(buffer, 'JPEG', quality=83, subsampling=0, progressive=True)
    else:
        image.save(buffer, dict(png='PNG', tif='TIFF', bmp='BMP')[name[-3:]])
    return buffer.getvalue()


@pytest.fixture
def no_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever compresses an image fails."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError('an image was compressed')

    for name in ('imencode', 'imwrite'):
        monkeypatch.setattr(cv2, name, refuse)
    monkeypatch.setattr(Image.Image, 'save', refuse)


def without_resize(data_config: Config, part: str) -> list[dict]:
    return [step for step in data_config[f'{part}_pipeline'] if step.type != 'Resize']


@pytest.mark.parametrize('part', ('train', 'test'))
@pytest.mark.parametrize('name', ('1.png', '1.jpg', '1.tif', '1.bmp'))
def test_the_network_gets_the_decoded_file(
    dataset, data_config, write, photograph, half_mask, request, part, name
) -> None:
    content = encoded(photograph, name)
    path = write(f'images/{name}', content)
    write('masks/1.png', half_mask)
    expected = cv2.imread(str(path), cv2.IMREAD_COLOR)
    request.getfixturevalue('no_encoder')
    sample = dataset(without_resize(data_config, part), test_mode=part == 'test')[0]
    found = sample['inputs'].numpy()
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, expected.transpose(2, 0, 1))
    np.testing.assert_array_equal(sample['data_samples'].gt_sem_seg.data[0].numpy(), half_mask // 255)
    if not name.endswith('.jpg'):
        np.testing.assert_array_equal(found, photograph[..., ::-1].transpose(2, 0, 1))
    assert path.read_bytes() == content


def test_the_preprocessor_only_scales_and_shifts(dataset, data_config, write, photograph, half_mask, root) -> None:
    path = write('images/1.jpg', encoded(photograph, '1.jpg'))
    write('masks/1.png', half_mask)
    cfg = Config.fromfile(root / 'configs' / '_base_' / 'models' / 'focal.py').model.data_preprocessor
    sample = dataset(without_resize(data_config, 'test'))[0]
    batch = dict(inputs=[sample['inputs']], data_samples=[sample['data_samples']])
    inputs = MODELS.build(cfg)(batch, training=False)['inputs'][0].numpy()
    scale, shift = (np.float32(cfg[key]).reshape(3, 1, 1) for key in ('std', 'mean'))
    rgb = cv2.imread(str(path))[..., ::-1].transpose(2, 0, 1)
    np.testing.assert_array_equal(np.rint(inputs * scale + shift), rgb)


def test_a_transform_of_the_config_does_compress(dataset, data_config, write, photograph, half_mask) -> None:
    path = write('images/1.png', photograph)
    write('masks/1.png', half_mask)
    pipeline = insert_degradation(without_resize(data_config, 'test'), parse_degradation('jpeg:70'))
    found = dataset(pipeline)[0]['inputs'].permute(1, 2, 0).numpy()
    file = cv2.imencode('.jpg', cv2.imread(str(path)), [cv2.IMWRITE_JPEG_QUALITY, 70])[1]
    np.testing.assert_array_equal(found, cv2.imdecode(file, cv2.IMREAD_COLOR))


def test_no_config_degrades_its_tests_and_only_those_named_so_their_trainings(root: Path) -> None:
    degrading = set(transforms.__all__) - set(NO_DEGRADATION)
    for path in sorted((root / 'configs').glob('**/*.py')):
        # Those of other authors' networks test and train as released.
        if '_base_' in path.parts or path.parent.name == 'peers':
            continue
        cfg = Config.fromfile(path)
        parts = {part: str(cfg.get(f'{part}_dataloader')) for part in ('train', 'val', 'test')}
        parts |= {name: str(cfg.get(name)) for name in ('test_pipeline', 'tta_pipeline')}
        if path.stem.endswith('_augmented'):
            assert "'JPEGCompression'" in parts.pop('train')
        if path.stem.endswith('_online') or path.stem in ONLINE:
            assert "'SynthesizeForgery'" in parts.pop('train')
        for part, text in parts.items():
            assert not [name for name in degrading if f"'{name}'" in text], (path, part)
